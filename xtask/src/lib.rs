//! Chores of the workspace that are too long for the Makefile: generated files.
//!
//! Owns the list of generated files and how each is made. Everything generated is committed, so that a reader finds it
//! without a build; tidy fails when a file no longer is what the code says (`cargo xtask codegen --check`).
//!
//! It never reads the network or the clock: the same sources give the same bytes.

pub mod codegen;
mod connectors;
mod crd_yaml;
mod reference;
