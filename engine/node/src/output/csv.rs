//! A result as CSV: one line a change, its kind first. NULL is an empty field.

use std::io::{self, Write};

use arrow::datatypes::SchemaRef;
use millstream_batch::StreamBatch;

use super::cells;
use super::collect::ResultWriter;

/// Writes changes as CSV with a header.
pub struct CsvWriter<W> {
    out: W,
    schema: SchemaRef,
    has_header: bool,
}

impl<W: Write + Send> CsvWriter<W> {
    /// A writer for results of this schema.
    pub const fn new(out: W, schema: SchemaRef) -> Self {
        Self { out, schema, has_header: false }
    }

    fn header(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_header, true) {
            let names: Vec<String> = self.schema.fields().iter().map(|f| quoted(f.name())).collect();
            writeln!(self.out, "op,{}", names.join(","))?;
        }
        Ok(())
    }
}

impl<W: Write + Send> ResultWriter for CsvWriter<W> {
    fn write(&mut self, batch: &StreamBatch) -> io::Result<()> {
        self.header()?;
        let columns = cells::columns(batch.columns()).map_err(io::Error::other)?;
        for row in 0..batch.num_rows() {
            write!(self.out, "{}", batch.op(row))?;
            for column in &columns {
                write!(self.out, ",{}", column[row].as_deref().map_or_else(String::new, quoted))?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.header()?;
        self.out.flush()
    }
}

/// The text as a field; empty text is quoted, so that it is not NULL.
fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json::tests::changes;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut out = Vec::new();
        let batch = changes();
        let mut writer = CsvWriter::new(&mut out, batch.schema());
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "op,id,name\n+I,1,\"a,\"\"b\"\"\"\n-D,,\"\"\n");
    }
}
