//! sql
mod check;
mod diagnostic;
mod dialect;
mod source_text;
