//! The notation of a row: cells with tabs between them.
//!
//! Owns the escapes. NULL is `\N`; a tab, a line feed, a carriage return and a backslash inside a value are `\t`, `\n`, `\r`
//! and `\\`; a row that would begin with `#` begins with `\#`, because lines with `#` are the header. The row
//! (`a<TAB>b`, NULL, ``) is written `a\tb<TAB>\N<TAB>`.

/// One value of a row in the notation of the recorded files, unescaped; `None` is NULL.
pub type Cell = Option<String>;

/// The values of one row.
pub type Row = Vec<Cell>;

/// Reads one line of a recorded file, without its line feed. Any text is a row of at least one cell.
pub fn parse_row(line: &str) -> Row {
    let line = if line.starts_with("\\#") { &line[1..] } else { line };
    line.split('\t').map(|cell| if cell == "\\N" { None } else { Some(unescape(cell)) }).collect()
}

/// Writes a row as one line, without a line feed. [`parse_row`] gives the same row back.
pub fn write_row(row: &[Cell]) -> String {
    let cells: Vec<String> = row
        .iter()
        .map(|cell| cell.as_ref().map_or_else(|| "\\N".to_owned(), |value| escape(value)))
        .collect();
    let line = cells.join("\t");
    if line.starts_with('#') { format!("\\{line}") } else { line }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(cell: &str) -> String {
    let mut value = String::with_capacity(cell.len());
    let mut characters = cell.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some('t') => value.push('\t'),
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some(other) => value.push(other),
            None => value.push('\\'),
        }
    }
    value
}
