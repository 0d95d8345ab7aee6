//! The golden cases of our SQL: reading them, and holding an answer against the recorded one.
//!
//! A case is a script in `cases/`, `window/late_hop.sql` say, and beside it `window/late_hop.expected`, the final rows that
//! real Flink gave for it. This crate reads both ([`Case`], [`Expected`]), folds a changelog into final rows ([`Fold`]), writes
//! Arrow columns in the notation of the recorded files ([`cells`]), compares ([`Expected::compare`]), and draws up the table
//! of what is covered ([`coverage`]).
//!
//! It never runs a query: who does, hands the rows in. So `+I (a, 1)`, `-U (a, 1)`, `+U (a, 2)` is given to [`Fold`] change by
//! change, which leaves the one row `a<TAB>2`, and that is compared with the file.

mod case;
mod column_type;
mod compare;
pub mod coverage;
mod expected;
mod fold;
mod render;
mod text;

pub use case::{Case, CaseError, Mark, Oracle};
pub use column_type::{ColumnType, UnknownType};
pub use compare::{Difference, SchemaDifference};
pub use expected::{Column, Expected, ExpectedError};
pub use fold::{ChangeKind, Fold, NegativeCount, UnknownKind};
pub use render::{Unrenderable, cells};
pub use text::{Cell, Row, parse_row, write_row};
