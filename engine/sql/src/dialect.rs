//! From text to statements: Flink's dialect on top of sqlparser.
//!
//! Queries and expressions are sqlparser's; everything around them (CREATE, SET, INSERT, statement sets, EXPLAIN) has a
//! recursive descent of its own here, because no dialect of the library reads Flink's. Limits come first: no text reaches
//! a recursive parser before its size and depth are known. Nothing here knows tables or types of columns.

pub(crate) mod create;
pub(crate) mod cursor;
pub(crate) mod flink;
pub(crate) mod hint;
mod json;
pub(crate) mod limits;
pub(crate) mod script;
pub(crate) mod statement;
pub(crate) mod tokens;
pub(crate) mod types;
mod unicode;

pub(crate) use script::parse_script;
