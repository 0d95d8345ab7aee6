//! Random expressions in two dialects at once.
//!
//! Owns the part of SQL where Flink and SQLite agree: comparisons with three-valued logic, CASE, COALESCE, NULLIF, integer
//! arithmetic that cannot overflow, a few functions of text. Example: `MOD(v, 7)` for us is `(v % 7)` for SQLite.

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// The type of a value, and how SQLite's answer is written like ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    BigInt,
    Double,
    Text,
    /// 0 and 1 in SQLite.
    Bool,
    /// `DECIMAL(p, 2)`; hundredths in SQLite.
    Decimal(u8),
    /// `TIMESTAMP(3)`; milliseconds in SQLite.
    Time,
}

impl Kind {
    /// Flink's name.
    pub(crate) fn sql(self) -> String {
        match self {
            Self::Int => "INT".into(),
            Self::BigInt => "BIGINT".into(),
            Self::Double => "DOUBLE".into(),
            Self::Text => "STRING".into(),
            Self::Bool => "BOOLEAN".into(),
            Self::Decimal(precision) => format!("DECIMAL({precision}, 2)"),
            Self::Time => "TIMESTAMP(3)".into(),
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::BigInt | Self::Double | Self::Decimal(_))
    }
}

/// An expression in both dialects.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) ours: String,
    pub(crate) lite: String,
    pub(crate) kind: Kind,
}

impl Expr {
    /// One that is the same in both dialects.
    pub(crate) fn same(text: impl Into<String>, kind: Kind) -> Self {
        let text = text.into();
        Self { ours: text.clone(), lite: text, kind }
    }
}

fn pick<'a>(rng: &mut StdRng, columns: &'a [Expr], fits: impl Fn(Kind) -> bool) -> Option<&'a Expr> {
    let fitting: Vec<&Expr> = columns.iter().filter(|c| fits(c.kind)).collect();
    fitting.choose(rng).copied()
}

/// A literal of this type.
fn literal(rng: &mut StdRng, kind: Kind) -> Expr {
    match kind {
        Kind::Int | Kind::BigInt => Expr::same(rng.random_range(-9..20).to_string(), Kind::Int),
        Kind::Double => Expr::same(format!("{}.25E0", rng.random_range(0..9)), kind),
        Kind::Text => {
            Expr::same(format!("'{}'", ["a", "bb", "", "Q", "zebra"].choose(rng).unwrap_or(&"a")), kind)
        }
        Kind::Bool => Expr { ours: "TRUE".into(), lite: "1".into(), kind },
        Kind::Decimal(_) => {
            let cents: i64 = rng.random_range(0..900);
            Expr {
                ours: format!("{}.{:02}", cents / 100, cents % 100),
                lite: cents.to_string(),
                kind: Kind::Decimal(3),
            }
        }
        Kind::Time => Expr::same("0", kind),
    }
}

/// A condition over the columns.
pub(crate) fn condition(rng: &mut StdRng, columns: &[Expr], depth: u32) -> Expr {
    let both = |template: &str, parts: &[&Expr]| {
        let fill = |side: fn(&Expr) -> &String| {
            parts.iter().fold(template.to_owned(), |text, part| text.replacen("{}", side(part), 1))
        };
        Expr { ours: fill(|e| &e.ours), lite: fill(|e| &e.lite), kind: Kind::Bool }
    };
    if depth > 0 && rng.random_bool(0.5) {
        let (a, b) = (condition(rng, columns, depth - 1), condition(rng, columns, depth - 1));
        return match rng.random_range(0..5) {
            0 | 1 => both("({} AND {})", &[&a, &b]),
            2 | 3 => both("({} OR {})", &[&a, &b]),
            _ => both("(NOT {})", &[&a]),
        };
    }
    let Some(column) = pick(rng, columns, |kind| kind != Kind::Time) else {
        return Expr { ours: "TRUE".into(), lite: "1".into(), kind: Kind::Bool };
    };
    if column.kind == Kind::Bool && rng.random_bool(0.7) {
        return column.clone();
    }
    let value = if column.kind.is_number() { number(rng, columns, column, 1) } else { column.clone() };
    let (a, b) = (literal(rng, value.kind), literal(rng, value.kind));
    match rng.random_range(0..8) {
        0 => both("({} IS NULL)", &[&value]),
        1 => both("({} IS NOT NULL)", &[&value]),
        2 if value.kind != Kind::Bool => both("({} BETWEEN {} AND {})", &[&value, &a, &b]),
        3 if value.kind != Kind::Bool => both("({} IN ({}, {}))", &[&value, &a, &b]),
        4 => both("({} <> {})", &[&value, &a]),
        5 if value.kind != Kind::Bool => both("({} <= {})", &[&value, &a]),
        6 if value.kind != Kind::Bool => both("({} > {})", &[&value, &a]),
        _ => both("({} = {})", &[&value, &a]),
    }
}

/// Arithmetic that stays in the type of its column and small.
fn number(rng: &mut StdRng, columns: &[Expr], column: &Expr, depth: u32) -> Expr {
    if depth == 0 || column.kind != Kind::Int {
        return column.clone();
    }
    let Expr { ours, lite, kind } = column.clone();
    let n = rng.random_range(2..9);
    let other = pick(rng, columns, |k| k == Kind::Int).cloned().unwrap_or_else(|| column.clone());
    match rng.random_range(0..8) {
        0 => Expr {
            ours: format!("({ours} + {})", other.ours),
            lite: format!("({lite} + {})", other.lite),
            kind,
        },
        1 => Expr {
            ours: format!("({ours} - {})", other.ours),
            lite: format!("({lite} - {})", other.lite),
            kind,
        },
        2 => Expr { ours: format!("({ours} * {n})"), lite: format!("({lite} * {n})"), kind },
        3 => Expr { ours: format!("({ours} / {n})"), lite: format!("({lite} / {n})"), kind },
        4 => Expr { ours: format!("MOD({ours}, {n})"), lite: format!("({lite} % {n})"), kind },
        5 => Expr { ours: format!("ABS({ours})"), lite: format!("abs({lite})"), kind },
        _ => column.clone(),
    }
}

/// A value over the columns.
pub(crate) fn value(rng: &mut StdRng, columns: &[Expr]) -> Expr {
    let Some(column) = columns.choose(rng) else { return Expr::same("1", Kind::Int) };
    let Expr { ours, lite, kind } = column.clone();
    match (rng.random_range(0..8), kind) {
        (0, Kind::Time) | (1..=3, _) => column.clone(),
        (4, Kind::Int | Kind::Text) => {
            let (when, otherwise) = (condition(rng, columns, 1), literal(rng, kind));
            let case = |when: &str, then: &str, other: &str| {
                format!("CASE WHEN {when} THEN {then} ELSE {other} END")
            };
            Expr {
                ours: case(&when.ours, &ours, &otherwise.ours),
                lite: case(&when.lite, &lite, &otherwise.lite),
                kind,
            }
        }
        (5, Kind::Int | Kind::Text) => {
            let other = literal(rng, kind);
            Expr {
                ours: format!("COALESCE({ours}, {})", other.ours),
                lite: format!("coalesce({lite}, {})", other.lite),
                kind,
            }
        }
        (6, Kind::Int | Kind::Text) => {
            let other = literal(rng, kind);
            Expr {
                ours: format!("NULLIF({ours}, {})", other.ours),
                lite: format!("nullif({lite}, {})", other.lite),
                kind,
            }
        }
        (7, Kind::Text) => {
            Expr { ours: format!("CHAR_LENGTH({ours})"), lite: format!("length({lite})"), kind: Kind::Int }
        }
        (0, Kind::Text) => Expr { ours: format!("UPPER({ours})"), lite: format!("upper({lite})"), kind },
        (_, Kind::Int) => number(rng, columns, column, 1),
        _ => column.clone(),
    }
}

/// An aggregate over the columns.
pub(crate) fn aggregate(rng: &mut StdRng, columns: &[Expr]) -> Expr {
    let numeric = pick(rng, columns, Kind::is_number).cloned();
    let any = pick(rng, columns, |k| !matches!(k, Kind::Bool | Kind::Time)).cloned();
    let call = |name: &str, distinct: bool, over: &Expr, kind| {
        let distinct = if distinct { "DISTINCT " } else { "" };
        Expr {
            ours: format!("{name}({distinct}{})", over.ours),
            lite: format!("{name}({distinct}{})", over.lite),
            kind,
        }
    };
    let distinct = rng.random_bool(0.25);
    let mut made = match (rng.random_range(0..7), numeric, any) {
        (0, _, _) => Expr::same("COUNT(*)", Kind::BigInt),
        (1, _, Some(over)) => call("COUNT", distinct, &over, Kind::BigInt),
        (2, _, Some(over)) => call("MIN", false, &over, over.kind),
        (3, _, Some(over)) => call("MAX", false, &over, over.kind),
        (4, Some(over), _) if matches!(over.kind, Kind::Int | Kind::BigInt) => {
            // The mean of integers is cut, and SQLite's division of integers cuts too.
            let (ours, lite) = (&over.ours, &over.lite);
            return Expr {
                ours: format!("AVG({ours})"),
                lite: format!("(SUM({lite}) / COUNT({lite}))"),
                kind: over.kind,
            };
        }
        (_, Some(over), _) => {
            let kind = if let Kind::Decimal(_) = over.kind { Kind::Decimal(38) } else { over.kind };
            call("SUM", distinct, &over, kind)
        }
        _ => Expr::same("COUNT(*)", Kind::BigInt),
    };
    if rng.random_bool(0.3) {
        let filter = condition(rng, columns, 1);
        made.ours.push_str(&format!(" FILTER (WHERE {})", filter.ours));
        made.lite.push_str(&format!(" FILTER (WHERE {})", filter.lite));
    }
    made
}
