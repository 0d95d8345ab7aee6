//! Limits on a text before any recursive code sees it.
//!
//! Parser, planner and the printing of expressions recurse, and a stack overflow cannot be caught. The numbers keep each
//! of them far from the end of the 256 MB stack on which planning runs: 500 terms of `a + a + ...` take a few MB there.
//! Example: `((((1))))` has depth 4; 101 parentheses are refused at the 101st.

use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::tokens::keyword;
use crate::diagnostic::Problem;

/// Largest text, in bytes. A job of a thousand tables takes a fifth of it.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most tokens of a text: an average of ten bytes each at the size limit.
pub(crate) const MAX_TOKENS: usize = 100_000;
/// Deepest nesting of parentheses, brackets and CASE, and the parser's own limit.
pub(crate) const MAX_DEPTH: usize = 100;
/// Longest chain of operators without parentheses.
pub(crate) const MAX_CHAIN_TERMS: usize = 500;
/// Most branches of UNION and its like.
pub(crate) const MAX_SET_BRANCHES: usize = 200;
/// Most columns of a table, a select list or a GROUP BY.
pub(crate) const MAX_COLUMNS: usize = 1_000;

/// Refuses a text that is too long.
///
/// # Errors
/// When it has more than [`MAX_TEXT_BYTES`].
pub(crate) fn check_size(text: &str) -> Result<(), Problem> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    let message = format!("the text has {} bytes; at most {MAX_TEXT_BYTES} are accepted", text.len());
    Err(Problem::new(Span::empty(), message).help("split it into several jobs"))
}

/// Refuses tokens that nest too deeply or chain too long.
///
/// # Errors
/// At the first token beyond a limit.
pub(crate) fn check_tokens(tokens: &[TokenWithSpan]) -> Result<(), Problem> {
    if let Some(token) = tokens.get(MAX_TOKENS) {
        let message = format!("the text has more than {MAX_TOKENS} words and symbols");
        return Err(Problem::new(token.span, message)
            .label("too much from here")
            .help("split it into several jobs"));
    }
    check_prefixes(tokens)?;
    let mut levels = vec![Level::default()];
    for token in tokens {
        match shape(token) {
            Shape::Opens if levels.len() > MAX_DEPTH => {
                let message = format!("nested more than {MAX_DEPTH} levels deep");
                return Err(Problem::new(token.span, message)
                    .label("one level too many")
                    .help("name an inner part with CREATE TEMPORARY VIEW"));
            }
            Shape::Opens => levels.push(Level::default()),
            Shape::Closes if levels.len() > 1 => {
                levels.pop();
            }
            // A semicolon ends everything that is open: an unclosed parenthesis must not blame the next statement.
            Shape::Separates => {
                levels.clear();
                levels.push(Level::default());
            }
            shape => {
                if let Some(level) = levels.last_mut() {
                    level.count(shape, token.span)?;
                }
            }
        }
    }
    Ok(())
}

/// Refuses long runs of `ARRAY <` and of `INTERVAL`: sqlparser recurses on both without counting.
fn check_prefixes(tokens: &[TokenWithSpan]) -> Result<(), Problem> {
    let (mut intervals, mut angles) = (0, 0);
    let mut before = Keyword::NoKeyword;
    for token in tokens {
        let word = keyword(token);
        intervals = if word == Keyword::INTERVAL { intervals + 1 } else { 0 };
        let opens_type = matches!(
            before,
            Keyword::ARRAY | Keyword::MAP | Keyword::ROW | Keyword::MULTISET | Keyword::STRUCT
        );
        if opens_type && token.token == Token::Lt {
            angles += 1;
        } else if token.token == Token::SemiColon {
            angles = 0;
        }
        if intervals > MAX_DEPTH || angles > MAX_DEPTH {
            return Err(Problem::new(token.span, format!("nested more than {MAX_DEPTH} levels deep"))
                .label("one level too many"));
        }
        before = word;
    }
    Ok(())
}

/// What a token means for the depth of recursion.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Opens,
    Closes,
    Operator,
    Not,
    Branch,
    Separates,
    EndsTerm,
    Other,
}

#[derive(Default)]
struct Level {
    operators: usize,
    branches: usize,
}

impl Level {
    fn count(&mut self, shape: Shape, span: Span) -> Result<(), Problem> {
        match shape {
            Shape::Operator | Shape::Not => self.operators += 1,
            Shape::EndsTerm => self.operators = 0,
            Shape::Branch => {
                self.branches += 1;
                self.operators = 0;
            }
            _ => {}
        }
        if self.operators >= MAX_CHAIN_TERMS {
            let message = format!("a chain of more than {MAX_CHAIN_TERMS} operators");
            return Err(Problem::new(span, message)
                .label("too long from here")
                .help("write a long OR of equalities as `IN (...)`, or compute parts of it in a view"));
        }
        if self.branches >= MAX_SET_BRANCHES {
            let message = format!("a union of more than {MAX_SET_BRANCHES} queries");
            return Err(Problem::new(span, message)
                .label("too many from here")
                .help("union parts of it in views"));
        }
        Ok(())
    }
}

fn shape(token: &TokenWithSpan) -> Shape {
    match &token.token {
        Token::LParen | Token::LBracket => Shape::Opens,
        Token::RParen | Token::RBracket => Shape::Closes,
        Token::SemiColon => Shape::Separates,
        Token::Comma => Shape::EndsTerm,
        Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::LtEq
        | Token::Gt
        | Token::GtEq => Shape::Operator,
        _ => match keyword(token) {
            Keyword::CASE => Shape::Opens,
            Keyword::END => Shape::Closes,
            Keyword::NOT => Shape::Not,
            Keyword::AND | Keyword::OR | Keyword::LIKE | Keyword::IS => Shape::Operator,
            Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => Shape::Branch,
            Keyword::SELECT
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ON
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::ORDER => Shape::EndsTerm,
            _ => Shape::Other,
        },
    }
}

/// Refuses a list of more than [`MAX_COLUMNS`].
///
/// # Errors
/// When `count` is beyond the limit.
pub(crate) fn check_columns(count: usize, span: Span) -> Result<(), Problem> {
    if count <= MAX_COLUMNS {
        return Ok(());
    }
    Err(Problem::new(span, format!("{count} columns; at most {MAX_COLUMNS} are accepted"))
        .label("too many columns"))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokenize;
    use super::*;

    fn check(text: &str) -> Result<(), Problem> {
        check_tokens(&tokenize(text).unwrap())
    }

    #[test]
    fn what_is_within_the_limits_passes() {
        let many_items = vec!["a + b"; 900].join(", ");
        let cases = [
            format!("SELECT {}1{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH)),
            format!("SELECT a{}", " + a".repeat(MAX_CHAIN_TERMS - 1)),
            format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(MAX_SET_BRANCHES - 1)),
            format!("SELECT {many_items} FROM t"),
            format!("SELECT a IN ({}1)", "1, ".repeat(10_000)),
            "SELECT 1 );;;) END; SELECT 2".to_owned(),
        ];
        for text in &cases {
            assert_eq!(check(text), Ok(()), "{:.40}", text);
        }
    }

    #[test]
    fn what_is_beyond_is_refused_in_place() {
        let cases = [
            (format!("{}1", "(".repeat(50_000)), "levels deep", MAX_DEPTH + 1),
            (format!("{}1", "CASE WHEN ".repeat(1_000)), "levels deep", MAX_DEPTH * 10 + 1),
            (format!("a{}", "+a".repeat(30_000)), "chain of", 2 * MAX_CHAIN_TERMS),
            (format!("{}a", "NOT ".repeat(30_000)), "chain of", 4 * MAX_CHAIN_TERMS - 3),
            (format!("a{}", " UNION b".repeat(300)), "union of", 8 * MAX_SET_BRANCHES - 5),
        ];
        for (text, message, column) in cases {
            let problem = check(&text).unwrap_err();
            assert!(problem.message.contains(message), "{}", problem.message);
            assert!(
                problem.span.start.column.abs_diff(column as u64) <= 1,
                "{:.20} {:?}",
                text,
                problem.span
            );
        }
        assert!(check(&"a ".repeat(MAX_TOKENS + 1)).unwrap_err().message.contains("words and symbols"));
        assert!(check_size(&"a".repeat(MAX_TEXT_BYTES + 1)).is_err());
        assert!(check_columns(MAX_COLUMNS + 1, Span::empty()).is_err());
    }
}
