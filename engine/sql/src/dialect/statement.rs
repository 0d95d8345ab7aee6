//! Statements as data. Queries and expressions are sqlparser's; everything else is ours.

use datafusion_sql::sqlparser::ast::{Expr, Query};
use datafusion_sql::sqlparser::tokenizer::{Span, TokenWithSpan};
use millstream_expr::ColumnType;

/// A name or a literal with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) value: String,
    pub(crate) span: Span,
}

/// A statement and the tokens it was read from.
#[derive(Clone, Debug)]
pub(crate) struct ParsedStatement {
    pub(crate) statement: Statement,
    pub(crate) tokens: Vec<TokenWithSpan>,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    CreateTable(CreateTable),
    CreateView(CreateView),
    DropTable {
        name: Name,
        if_exists: bool,
    },
    DropView {
        name: Name,
        if_exists: bool,
    },
    Set(Setting),
    Reset {
        key: Option<Name>,
    },
    Insert(Insert),
    Inserts(Vec<Insert>),
    Query(Box<Query>),
    /// All details are always shown, whichever the EXPLAIN asks for.
    Explain(Box<Statement>),
}

/// `SET 'key' = 'value'`.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) key: Name,
    pub(crate) value: Name,
}

/// `INSERT INTO table (columns) query`.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    pub(crate) table: Name,
    pub(crate) columns: Vec<Name>,
    pub(crate) query: Box<Query>,
    pub(crate) tokens: Vec<TokenWithSpan>,
}

/// `CREATE VIEW name (columns) AS query`.
#[derive(Clone, Debug)]
pub(crate) struct CreateView {
    pub(crate) name: Name,
    pub(crate) if_not_exists: bool,
    pub(crate) columns: Vec<Name>,
    pub(crate) query: Box<Query>,
}

/// `CREATE TABLE name (columns, watermark, key) WITH (options)`.
#[derive(Clone, Debug)]
pub(crate) struct CreateTable {
    pub(crate) name: Name,
    pub(crate) if_not_exists: bool,
    pub(crate) columns: Vec<ColumnDefinition>,
    pub(crate) watermark: Option<WatermarkDefinition>,
    pub(crate) primary_key: Option<PrimaryKey>,
    pub(crate) partitioned_by: Vec<Name>,
    pub(crate) options: Vec<Setting>,
}

/// One column of a CREATE TABLE.
#[derive(Clone, Debug)]
pub(crate) struct ColumnDefinition {
    pub(crate) name: Name,
    pub(crate) kind: ColumnKind,
}

/// Where a column's values come from.
#[derive(Clone, Debug)]
pub(crate) enum ColumnKind {
    /// Read from or written to the outside.
    Physical { column_type: ColumnType, not_null: bool },
    /// Computed by the source; never written.
    Computed(Box<Expr>),
}

/// `WATERMARK FOR column AS expression`.
#[derive(Clone, Debug)]
pub(crate) struct WatermarkDefinition {
    pub(crate) column: Name,
    pub(crate) expression: Box<Expr>,
    pub(crate) span: Span,
}

/// `PRIMARY KEY (columns) NOT ENFORCED`.
#[derive(Clone, Debug)]
pub(crate) struct PrimaryKey {
    pub(crate) columns: Vec<Name>,
    pub(crate) span: Span,
}
