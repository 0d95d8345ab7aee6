//! The shape of a function: its name, what it takes, what it gives, and how it is evaluated.
//!
//! Owns the checking of arguments with messages that name the argument and the type it takes, and the handling of
//! constants: a call whose arguments are all constants is evaluated for one row. For example `UPPER(5)` is refused with
//! `UPPER takes a string as argument 1, not INT`.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use chrono_tz::Tz;
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::conditional::Conditional;
use crate::column::{
    Column, Moments, Values, build_booleans, build_bytes, build_moments, build_primitives, build_strings,
};
use crate::error::ValueError;
use crate::types::{SqlType, type_name};

/// What one parameter takes, and the type in which the kernel gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// A string.
    Text,
    /// Any integer, as 64 bits.
    Integer,
    /// Any number, as a double.
    Double,
    /// Any number, as it is.
    Number,
    /// A boolean.
    Boolean,
    /// A byte string.
    Bytes,
    /// A string or a byte string, as it is.
    TextOrBytes,
    /// A string, or an integer as 64 bits.
    TextOrInteger,
    /// A string, or any number as a double or 64 bits.
    TextOrNumber,
    /// A string or a timestamp, as it is.
    TextOrTimestamp,
    /// A date, a time of day or a timestamp, as it is.
    Temporal,
    /// A date or a timestamp, as it is.
    DateOrTimestamp,
    /// Anything, as it is.
    Any,
}

impl Parameter {
    /// The type in which the kernel gets an argument of type `data_type`, or `None` when it is not taken.
    fn accept(self, data_type: &DataType) -> Option<DataType> {
        let keep = |accepted: bool| accepted.then(|| data_type.clone());
        let null = data_type == &DataType::Null;
        let sql_type = SqlType::from_arrow(data_type)?;
        let (text, integer, number) = (sql_type.is_character(), sql_type.is_integer(), sql_type.is_numeric());
        let default = match self {
            Self::Text | Self::TextOrBytes | Self::TextOrInteger | Self::TextOrNumber => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Number => DataType::Int32,
            Self::Boolean => DataType::Boolean,
            Self::Bytes => DataType::Binary,
            Self::TextOrTimestamp | Self::Temporal | Self::DateOrTimestamp => {
                SqlType::Timestamp(3).to_arrow()
            }
            Self::Any => DataType::Null,
        };
        if null {
            return Some(default);
        }
        match self {
            Self::Text => keep(text),
            Self::Integer => integer.then_some(DataType::Int64),
            Self::Double => number.then_some(DataType::Float64),
            Self::Number => keep(number),
            Self::Boolean => keep(sql_type == SqlType::Boolean),
            Self::Bytes => keep(sql_type.is_binary()),
            Self::TextOrBytes => keep(text || sql_type.is_binary()),
            Self::TextOrInteger if integer => Some(DataType::Int64),
            Self::TextOrNumber if integer => Some(DataType::Int64),
            Self::TextOrNumber if number => Some(DataType::Float64),
            Self::TextOrInteger | Self::TextOrNumber => keep(text),
            Self::TextOrTimestamp => keep(text || sql_type.is_timestamp()),
            Self::Temporal => {
                keep(sql_type.is_timestamp() || matches!(sql_type, SqlType::Date | SqlType::Time(_)))
            }
            Self::DateOrTimestamp => keep(sql_type.is_timestamp() || sql_type == SqlType::Date),
            Self::Any => keep(true),
        }
    }

    /// [`Parameter::accept`] for the argument number `at` of the function called `function`.
    ///
    /// # Errors
    /// A plan error that names function, argument and type.
    pub(crate) fn check(self, function: &str, at: usize, data_type: &DataType) -> Result<DataType> {
        match self.accept(data_type) {
            Some(accepted) => Ok(accepted),
            None => {
                plan_err!(
                    "{function} takes {} as argument {at}, not {}",
                    self.description(),
                    type_name(data_type)
                )
            }
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Double | Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Bytes => "a byte string",
            Self::TextOrBytes => "a string or a byte string",
            Self::TextOrInteger => "a string or an integer",
            Self::TextOrNumber => "a string or a number",
            Self::TextOrTimestamp => "a string or a timestamp",
            Self::Temporal => "a date, a time or a timestamp",
            Self::DateOrTimestamp => "a date or a timestamp",
            Self::Any => "any value",
        }
    }
}

/// What a function gives.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Returns {
    /// Always the same type.
    Type(SqlType),
    /// The type of the argument with this index.
    Argument(usize),
    /// What the function answers for the types of its arguments.
    Of(fn(&[DataType]) -> Result<DataType>),
}

/// Evaluates one call.
pub(crate) type Kernel = fn(&Call<'_>) -> Result<ArrayRef>;

/// Converts the types of the arguments, given the function's name.
type Unify = fn(&str, &[DataType]) -> Result<Vec<DataType>>;

/// A function before it is registered.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) aliases: Vec<String>,
    parameters: &'static [Parameter],
    optional: usize,
    variadic: bool,
    unify: Option<Unify>,
    returns: Returns,
    evaluate: Kernel,
    pub(crate) can_fail: bool,
    pub(crate) reads_clock: bool,
    pub(crate) conditional: Option<Conditional>,
}

impl Definition {
    /// A function that takes exactly `parameters` and never fails.
    pub(crate) fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: Returns,
        evaluate: Kernel,
    ) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            parameters,
            optional: 0,
            variadic: false,
            unify: None,
            returns,
            evaluate,
            can_fail: false,
            reads_clock: false,
            conditional: None,
        }
    }

    /// Other names.
    pub(crate) fn aliases(mut self, aliases: &[&str]) -> Self {
        self.aliases = aliases.iter().map(ToString::to_string).collect();
        self
    }

    /// The last `count` parameters may be left out.
    pub(crate) fn optional(mut self, count: usize) -> Self {
        self.optional = count;
        self
    }

    /// The last parameter may be repeated any number of times, and left out.
    pub(crate) fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }

    /// The arguments are converted as `unify` says, which gets the function's name and their types.
    pub(crate) fn unify(mut self, unify: Unify) -> Self {
        self.unify = Some(unify);
        self
    }

    /// Some value of a row makes the function fail.
    pub(crate) fn failing(mut self) -> Self {
        self.can_fail = true;
        self
    }

    /// The function reads the clock, and is never null.
    pub(crate) fn reading_clock(mut self) -> Self {
        self.reads_clock = true;
        self
    }

    /// The function is compiled as a `CASE`.
    pub(crate) fn conditional(mut self, conditional: Conditional) -> Self {
        self.conditional = Some(conditional);
        self
    }

    fn shown(&self) -> String {
        self.name.to_uppercase()
    }

    fn check_count(&self, count: usize) -> Result<()> {
        let most = self.parameters.len();
        let least = if self.variadic { most.saturating_sub(1) } else { most - self.optional };
        if count >= least && (self.variadic || count <= most) {
            return Ok(());
        }
        let takes = match (self.variadic, least == most) {
            (true, _) => format!("at least {least}"),
            (false, true) => least.to_string(),
            (false, false) => format!("{least} to {most}"),
        };
        let plural = if takes == "1" { "argument" } else { "arguments" };
        plan_err!("{} takes {takes} {plural}, not {count}", self.shown())
    }

    fn coerce(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.check_count(arguments.len())?;
        let mut coerced = Vec::with_capacity(arguments.len());
        for (at, data_type) in arguments.iter().enumerate() {
            let Some(parameter) = self.parameters.get(at).or(self.parameters.last()) else { break };
            coerced.push(parameter.check(&self.shown(), at + 1, data_type)?);
        }
        match self.unify {
            Some(unify) => unify(&self.shown(), &coerced),
            None => Ok(coerced),
        }
    }
}

/// A registered function.
#[derive(Debug, Clone)]
pub(crate) struct FlinkFunction {
    definition: Definition,
    signature: Signature,
}

impl FlinkFunction {
    pub(crate) fn new(definition: Definition) -> Self {
        let volatility = if definition.reads_clock { Volatility::Volatile } else { Volatility::Immutable };
        Self { definition, signature: Signature::user_defined(volatility) }
    }

    pub(crate) fn definition(&self) -> &Definition {
        &self.definition
    }
}

// The table of functions has one definition under each name, so the name is the identity.
impl PartialEq for FlinkFunction {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for FlinkFunction {}

impl Hash for FlinkFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl ScalarUDFImpl for FlinkFunction {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn aliases(&self) -> &[String] {
        &self.definition.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn short_circuits(&self) -> bool {
        self.definition.conditional.is_some()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.definition.coerce(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let arguments = self.definition.coerce(arguments)?;
        match self.definition.returns {
            Returns::Type(sql_type) => Ok(sql_type.to_arrow()),
            Returns::Argument(at) => match arguments.get(at) {
                Some(data_type) => Ok(data_type.clone()),
                None => plan_err!("{} lacks argument {}", self.definition.shown(), at + 1),
            },
            Returns::Of(answer) => answer(&arguments),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> =
            arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = !self.definition.reads_clock;
        Ok(Arc::new(Field::new(self.definition.name, self.return_type(&types)?, nullable)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = match &arguments.config_options.execution.time_zone {
            Some(name) => crate::zone::parse(name)?,
            None => Tz::UTC,
        };
        let mut columns = Vec::with_capacity(arguments.args.len());
        let mut constant = true;
        for argument in &arguments.args {
            columns.push(match argument {
                ColumnarValue::Scalar(value) => Column { array: value.to_array()?, constant: true },
                ColumnarValue::Array(array) => {
                    constant = false;
                    Column { array: array.clone(), constant: false }
                }
            });
        }
        let call = Call {
            name: self.definition.name,
            columns,
            rows: if constant { 1 } else { arguments.number_rows },
            zone,
            return_type: arguments.return_field.data_type(),
        };
        let result = (self.definition.evaluate)(&call)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// One call over a batch, as a kernel sees it.
pub(crate) struct Call<'a> {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    /// Rows of the result: those of the batch, or 1 when every argument is a constant.
    pub(crate) rows: usize,
    /// The zone of the session.
    pub(crate) zone: Tz,
    pub(crate) return_type: &'a DataType,
}

impl Call<'_> {
    /// Number of arguments that were given.
    pub(crate) fn count(&self) -> usize {
        self.columns.len()
    }

    /// The argument with this index; the definition guarantees that it is there.
    pub(crate) fn column(&self, at: usize) -> Result<&Column> {
        match self.columns.get(at) {
            Some(column) => Ok(column),
            None => plan_err!("{} lacks argument {}", self.name.to_uppercase(), at + 1),
        }
    }

    pub(crate) fn text(&self, at: usize) -> Result<Values<'_, arrow::array::StringArray>> {
        self.column(at)?.strings()
    }

    pub(crate) fn integer(&self, at: usize) -> Result<Values<'_, arrow::array::Int64Array>> {
        self.column(at)?.integers()
    }

    pub(crate) fn double(&self, at: usize) -> Result<Values<'_, arrow::array::Float64Array>> {
        self.column(at)?.doubles()
    }

    pub(crate) fn moments(&self, at: usize) -> Result<Moments<'_>> {
        self.column(at)?.moments()
    }

    /// See [`build_strings`].
    pub(crate) fn strings(
        &self,
        row: impl FnMut(usize, &mut String) -> Result<Option<()>>,
    ) -> Result<ArrayRef> {
        build_strings(self.rows, row)
    }

    /// See [`build_bytes`].
    pub(crate) fn bytes(&self, row: impl FnMut(usize) -> Result<Option<Vec<u8>>>) -> Result<ArrayRef> {
        build_bytes(self.rows, row)
    }

    /// See [`build_booleans`].
    pub(crate) fn booleans(&self, row: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        build_booleans(self.rows, row)
    }

    /// A column of 32-bit integers.
    pub(crate) fn ints(&self, row: impl FnMut(usize) -> Result<Option<i32>>) -> Result<ArrayRef> {
        build_primitives::<arrow::datatypes::Int32Type>(self.rows, &DataType::Int32, row)
    }

    /// A column of 64-bit integers.
    pub(crate) fn bigints(&self, row: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        build_primitives::<arrow::datatypes::Int64Type>(self.rows, &DataType::Int64, row)
    }

    /// A column of doubles.
    pub(crate) fn doubles(&self, row: impl FnMut(usize) -> Result<Option<f64>>) -> Result<ArrayRef> {
        build_primitives::<arrow::datatypes::Float64Type>(self.rows, &DataType::Float64, row)
    }

    /// A column of dates, times or timestamps, in the type of the result.
    pub(crate) fn temporals(
        &self,
        row: impl FnMut(usize) -> Result<Option<crate::calendar::Moment>>,
    ) -> Result<ArrayRef> {
        build_moments(self.rows, self.return_type, row)
    }

    /// The error for an argument that the function cannot work with.
    pub(crate) fn bad_argument(&self, reason: impl Into<String>) -> datafusion_common::DataFusionError {
        ValueError::Argument { function: self.name.to_uppercase(), reason: reason.into() }.raise()
    }
}
