//! Rows as Parquet and back. A persistent format: lz4 raw, row groups of bounded size, the schema with field ids.
//!
//! Nothing here looks at lengths and checksums: bytes are parsed only after [`crate::scan`] compared both, because a reader of
//! Parquet may panic on damage.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;

/// The file with these rows.
pub(crate) fn encode(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    row_group_rows: usize,
) -> Result<Bytes, ParquetError> {
    let ascending = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
    let properties = WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(Some(row_group_rows.max(1)))
        .set_sorting_columns(Some(vec![ascending(0), ascending(1)]))
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, schema.clone(), Some(properties))?;
    for batch in batches {
        // Batches come with the names and types of the schema, but not with its field ids.
        let batch = RecordBatch::try_new(schema.clone(), batch.columns().to_vec())?;
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(file.into())
}

/// The rows of a file whose columns must be those of the schema, in batches of at most `batch_rows`.
pub(crate) fn decode(
    file: Bytes,
    schema: &SchemaRef,
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(schema.clone());
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
    builder.with_batch_size(batch_rows.max(1)).build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, new_null_array};
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

    use super::*;
    use crate::column_type;

    /// One column of every type that a manifest can name, with values and a NULL.
    fn every_type() -> (SchemaRef, RecordBatch) {
        let zone = |unit| DataType::Timestamp(unit, Some("UTC".into()));
        let mut types =
            vec![DataType::Decimal128(38, 10), DataType::Decimal128(5, 2), DataType::Decimal128(12, 0)];
        types.extend(
            ["BOOLEAN", "INT8", "INT16", "INT32", "INT64"].iter().filter_map(|t| column_type::parse(t)),
        );
        types.extend(["UINT8", "UINT16", "UINT32", "UINT64"].iter().filter_map(|t| column_type::parse(t)));
        types.extend(["FLOAT32", "FLOAT64", "UTF8", "BINARY"].iter().filter_map(|t| column_type::parse(t)));
        types.extend(
            ["DATE32", "TIME_S", "TIME_MS", "TIME_US", "TIME_NS"]
                .iter()
                .filter_map(|t| column_type::parse(t)),
        );
        for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
            types.extend([DataType::Timestamp(unit, None), zone(unit)]);
        }
        let numbers = arrow::array::StringArray::from(vec![Some("1"), Some("0"), None]);
        let column = |data_type: &DataType| -> ArrayRef {
            let ints = arrow::compute::cast(&numbers, &DataType::Int32).unwrap();
            let cast = |array: &ArrayRef| arrow::compute::cast(array, data_type);
            let via_long = || cast(&arrow::compute::cast(&ints, &DataType::Int64).unwrap());
            cast(&ints).or_else(|_| via_long()).unwrap_or_else(|_| new_null_array(data_type, 3))
        };
        let fields: Vec<Field> = types
            .iter()
            .enumerate()
            .map(|(i, t)| {
                let id = [(PARQUET_FIELD_ID_META_KEY.to_owned(), (i + 10).to_string())];
                Field::new(format!("c{i}"), t.clone(), true).with_metadata(id.into())
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), types.iter().map(column).collect()).unwrap();
        (schema, batch)
    }

    #[test]
    fn every_type_comes_back_as_it_was() {
        let (schema, batch) = every_type();
        let file = encode(&schema, std::slice::from_ref(&batch), 2).unwrap();
        let reader = decode(file, &schema, 2).unwrap();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 1]);
        for column in 0..batch.num_columns() {
            let parts: Vec<&dyn arrow::array::Array> =
                batches.iter().map(|b| b.column(column).as_ref()).collect();
            let whole = arrow::compute::concat(&parts).unwrap();
            assert_eq!(&whole, batch.column(column), "{}", schema.field(column));
        }
    }

    #[test]
    fn the_file_says_ids_order_and_compression() {
        let (schema, batch) = every_type();
        let file = encode(&schema, &[batch.clone(), batch], 4).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let metadata = reader.metadata();
        assert_eq!(metadata.num_row_groups(), 2);
        let group = metadata.row_group(0);
        assert_eq!(group.num_rows(), 4);
        assert_eq!(group.column(0).compression(), Compression::LZ4_RAW);
        assert_eq!(group.sorting_columns().map(Vec::len), Some(2));
        let root = reader.parquet_schema().root_schema();
        let ids: Vec<i32> = root.get_fields().iter().map(|f| f.get_basic_info().id()).collect();
        assert_eq!(ids, (10..10 + schema.fields().len() as i32).collect::<Vec<_>>());
    }

    #[test]
    fn another_schema_is_an_error() {
        let (schema, batch) = every_type();
        let file = encode(&schema, &[batch], 4).unwrap();
        let fewer = Arc::new(Schema::new(schema.fields()[..3].to_vec()));
        assert!(decode(file.clone(), &fewer, 4).is_err());
        let mut fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone()).collect();
        fields[3] = fields[3].clone().with_data_type(DataType::Binary);
        assert!(decode(file, &Arc::new(Schema::new(fields)), 4).is_err());
    }
}
