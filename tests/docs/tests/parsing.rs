//! How a page is read.

use millstream_test_docs::{Block, Page, assert_left_out, parse};

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

fn page(text: &str) -> Page {
    Page { path: "page", blocks: parse(text).unwrap() }
}

#[test]
fn what_is_marked_is_listed_and_what_is_listed_is_marked() {
    assert_left_out(&page("<!-- not run -->\n```sh\na\nb\n```\n"), &[("a", "why")]);
    assert_left_out(&page("```sh\na\n```\n```text\nx\n```\n"), &[]);
}

#[test]
#[should_panic(expected = "marked in the page, and listed in its test")]
fn a_mark_that_is_not_listed_is_noticed() {
    assert_left_out(&page("<!-- not run -->\n```sh\na\n```\n"), &[]);
}

#[test]
#[should_panic(expected = "marked in the page, and listed in its test")]
fn a_block_that_is_listed_and_has_no_mark_is_noticed() {
    assert_left_out(&page("```sh\na\n```\n"), &[("a", "why")]);
}

#[test]
#[should_panic(expected = "at [5] something is shown by no command")]
fn what_is_shown_far_from_its_commands_is_noticed() {
    assert_left_out(&page("```sh\na\n```\nwords\n```text\nx\n```\n"), &[]);
}
