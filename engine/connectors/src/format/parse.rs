//! Text to values, as Flink's formats read them. Pure functions over text; `None` means "not a value of that type".

pub(crate) mod decimal;
pub(crate) mod number;
pub(crate) mod time;

#[cfg(test)]
mod parse_test;
