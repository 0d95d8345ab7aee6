//! How a page is read.

use millstream_test_docs::{Block, parse};

fn block(line: usize, section: &str, language: &str, text: &str) -> Block {
    Block {
        line,
        section: section.into(),
        language: language.into(),
        text: text.into(),
        is_marked: false,
        output: None,
    }
}

#[test]
fn commands_have_the_output_that_follows_at_once() {
    let page = "# A\n```sh\na\n```\n\n```text\nx\n```\n## B\n```sh\nb\n```\nwords\n```text\ny\n```\n";
    let first = Block { output: Some("x\n".into()), ..block(2, "", "sh", "a\n") };
    assert_eq!(parse(page).unwrap(), [first, block(10, "B", "sh", "b\n"), block(14, "B", "text", "y\n")]);
}

#[test]
fn a_mark_belongs_to_the_fence_below_it() {
    let page = "<!-- not run -->\n\n```sh\na\n```\n```sh\nb\n```\n";
    let marked = Block { is_marked: true, ..block(3, "", "sh", "a\n") };
    assert_eq!(parse(page).unwrap(), [marked, block(6, "", "sh", "b\n")]);
    assert_eq!(parse("<!-- not run -->\nwords\n").unwrap_err(), "2: <!-- not run --> stands above no fence");
}

#[test]
fn what_could_be_overlooked_is_refused() {
    assert_eq!(parse("```sh\na\n").unwrap_err(), "1: the fence has no end");
    for language in ["", "bash", "console", "shell"] {
        assert!(parse(&format!("```{language}\na\n```\n")).unwrap_err().contains("is none of"), "{language}");
    }
}
