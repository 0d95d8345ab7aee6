//! A walk along a page: its blocks run in their order, and none is left out without a reason.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::{Block, Page, Shell, compare};

/// A walk along one page.
pub struct Walk<'a> {
    page: Page,
    shell: &'a Shell,
    /// Beginnings of blocks that are not run, and why.
    left_out: &'a [(&'a str, &'a str)],
    done: BTreeSet<usize>,
}

impl<'a> Walk<'a> {
    /// Begins one. `left_out` has the first line of each block that is not run, and the reason; such a block is marked in the page, too.
    ///
    /// # Panics
    /// If marks and list do not agree.
    pub fn begin(path: &'static str, shell: &'a Shell, left_out: &'a [(&'a str, &'a str)]) -> Self {
        let page = Page::read(path);
        assert_left_out(&page, left_out);
        Self { page, shell, left_out, done: BTreeSet::new() }
    }

    /// Runs the blocks below these headings, which stand in this order on the page.
    pub fn sections(&mut self, titles: &[&str]) {
        for title in titles {
            let blocks: Vec<Block> =
                self.page.commands().filter(|block| block.section == *title).cloned().collect();
            assert!(!blocks.is_empty(), "{} has no commands below {title:?}", self.page.path);
            self.run(&blocks);
        }
    }

    /// Runs the one block that begins so.
    pub fn beginning_with(&mut self, words: &str) {
        let blocks: Vec<Block> =
            self.page.commands().filter(|block| block.text.starts_with(words)).cloned().collect();
        assert_eq!(blocks.len(), 1, "{} has no such block, or several: {words:?}", self.page.path);
        self.run(&blocks);
    }

    /// Runs all blocks.
    pub fn all(&mut self) {
        let blocks: Vec<Block> = self.page.commands().cloned().collect();
        self.run(&blocks);
    }

    fn run(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.done.insert(block.line);
            if !block.is_marked {
                self.step(block);
            }
        }
    }

    fn step(&self, block: &Block) {
        let place = format!("{}:{}", self.page.path, block.line);
        eprintln!("{place}\n{}", block.text);
        let began = Instant::now();
        let (shown, verdict) = match self.shell.run(&block.text) {
            Ok(shown) => {
                let verdict = block.output.as_ref().map_or(Ok(()), |expected| compare(expected, &shown));
                (shown, verdict)
            }
            Err(shown) => (shown, Err("it failed".to_owned())),
        };
        eprintln!("{shown}({} s)\n", began.elapsed().as_secs());
        if let Err(why) = verdict {
            panic!("{place}: {why}\n{}\nit shows\n{shown}\n{}", block.text, self.shell.report());
        }
    }

    /// Ends it: every block of commands was run, or is left out for a reason.
    ///
    /// # Panics
    /// If one was forgotten.
    pub fn end(self) {
        let is_done = |block: &&Block| block.is_marked || self.done.contains(&block.line);
        let forgotten: Vec<_> =
            self.page.commands().filter(|block| !is_done(block)).map(|block| block.line).collect();
        assert!(forgotten.is_empty(), "{}: blocks at {forgotten:?} were not run", self.page.path);
        assert!(self.left_out.iter().all(|(_, why)| !why.is_empty()));
    }
}

/// Fails unless the marks in the page and the list of blocks that are not run say the same, and all that is shown belongs to commands.
///
/// # Panics
/// If one of them names what the other does not, or something is shown that nothing is compared with.
pub fn assert_left_out(page: &Page, left_out: &[(&str, &str)]) {
    let first = |block: &Block| block.text.lines().next().unwrap_or_default().to_owned();
    let marked: Vec<String> = page.blocks.iter().filter(|b| b.is_marked).map(first).collect();
    let listed: Vec<String> = left_out.iter().map(|(line, _)| (*line).to_owned()).collect();
    assert_eq!(marked, listed, "{}: marked in the page, and listed in its test", page.path);
    let is_alone = |block: &&Block| block.language == "text" && !block.is_marked;
    let alone: Vec<_> = page.blocks.iter().filter(is_alone).map(|block| block.line).collect();
    assert!(alone.is_empty(), "{}: at {alone:?} something is shown by no command", page.path);
}
