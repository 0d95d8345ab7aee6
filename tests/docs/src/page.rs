//! A page of Markdown as a list of fences.
//!
//! Example: "```sh", `kubectl get pods`, "```", an empty line, "```text", what it shows, "```" is one block of commands with its output.

use std::fs;

use millstream_test_kube::checkout;

/// The comment above a fence that says that it is not run, or not compared. Readers of the page do not see it.
const MARK: &str = "<!-- not run -->";
/// What fences may be. A fence of commands in another one would be overlooked.
const LANGUAGES: &[&str] = &["sh", "text", "yaml", "json", "sql", "mermaid"];

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its path in the checkout.
    pub path: &'static str,
    /// Its fences, in their order.
    pub blocks: Vec<Block>,
}

/// A fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of the page where it begins, from 1.
    pub line: usize,
    /// The heading of second degree that it stands below.
    pub section: String,
    /// Its language: `sh`.
    pub language: String,
    /// What is in it.
    pub text: String,
    /// Whether it says that it is not run.
    pub is_marked: bool,
    /// What is shown below it, if it holds commands: the `text` fence that follows with nothing in between.
    pub output: Option<String>,
}

impl Page {
    /// Reads a page of the checkout.
    ///
    /// # Panics
    /// If it is not there, or has a fence that nothing can be done with.
    pub fn read(path: &'static str) -> Self {
        let text = fs::read_to_string(checkout().join(path)).unwrap();
        let blocks = parse(&text).unwrap_or_else(|why| panic!("{path}:{why}"));
        Self { path, blocks }
    }

    /// All blocks of commands.
    pub fn commands(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.language == "sh")
    }
}

/// The fences of a text; what is wrong begins with the line.
///
/// # Errors
/// A fence has no end, a language that is not known, or a mark that belongs to nothing.
pub fn parse(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut section, mut is_marked, mut is_behind) = (String::new(), false, false);
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        if let Some(title) = line.strip_prefix("## ") {
            section = title.to_owned();
        }
        let Some(language) = line.strip_prefix("```") else {
            if is_marked && !line.is_empty() {
                return Err(format!("{number}: {MARK} stands above no fence"));
            }
            is_marked |= line == MARK;
            is_behind &= line.is_empty();
            continue;
        };
        if !LANGUAGES.contains(&language) {
            return Err(format!("{number}: {language:?} is none of {LANGUAGES:?}"));
        }
        let mut content = String::new();
        loop {
            match lines.next() {
                Some((_, "```")) => break,
                Some((_, line)) => content = content + line + "\n",
                None => return Err(format!("{number}: the fence has no end")),
            }
        }
        let of_commands = blocks.last_mut().filter(|_| is_behind && language == "text" && !is_marked);
        match of_commands {
            Some(commands) => commands.output = Some(content),
            None => blocks.push(Block {
                line: number,
                section: section.clone(),
                language: language.to_owned(),
                text: content,
                is_marked,
                output: None,
            }),
        }
        is_behind = language == "sh";
        is_marked = false;
    }
    Ok(blocks)
}
