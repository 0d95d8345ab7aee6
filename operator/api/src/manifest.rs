//! Reading a manifest: text in, a valid StreamJob or every mistake with its line and column out.
//!
//! Owns the order of the steps: the text itself (size, NUL bytes), YAML, which resource it is, its shape against the
//! CRD's own schema, then [`StreamJob::validate`]. The steps up to the resource stop at the first mistake; shape and
//! rules report all of theirs, sorted by line. It never opens a file: the caller reads it and says what it is called.
//!
//! A manifest that is accepted here is accepted by an API server that has this CRD, with one exception: `metadata.name`
//! may be missing, since a laptop names the job after the file.
//!
//! `spec.paralelism: 4` in line 6 becomes
//! `job.yaml:6:3: spec.paralelism: is not a field (did you mean parallelism?)`.

mod resource;
mod shape;
mod text;
mod tree;

use std::fmt;

use crate::StreamJob;
use crate::path;
use shape::{Shape, check_shape};

pub use text::SqlOrigin;

/// Longest manifest, in bytes: a YAML text above it could not be stored by an API server.
pub const MAX_MANIFEST: usize = 4 << 20;

/// A place in a text, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One mistake in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub position: Position,
    /// The field, or empty when it is not about a field.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where there is something to say.
    pub hint: Option<String>,
}

impl Problem {
    fn new(position: Position, path: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { position, path: path.into(), message: message.into(), hint: None }
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.position)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// Every mistake of one manifest; displays as one line for each, `FILE:LINE:COLUMN: PATH: MESSAGE (HINT)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// What the caller called the text.
    pub file: String,
    /// The mistakes, by line; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{}:{problem}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestError {}

/// A StreamJob with what is known of the text that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The job; [`StreamJob::validate`] accepts it.
    pub job: StreamJob,
    /// Where `spec.sql` begins in the text, to turn places in the SQL into places in the file.
    pub sql_origin: Option<SqlOrigin>,
}

impl Manifest {
    /// Reads the YAML (or JSON) text of one StreamJob. `file` is what errors call it.
    ///
    /// Text of any kind and size is answered in bounded time and memory: anchors may multiply a text's nodes at most to
    /// 100,000, and nesting ends at 32 levels.
    ///
    /// # Errors
    /// [`ManifestError`] with every mistake that could be found.
    pub fn read(text: &str, file: &str) -> Result<Manifest, ManifestError> {
        read(text).map_err(|mut problems| {
            problems.sort_by(|a, b| (a.position, &a.path).cmp(&(b.position, &b.path)));
            ManifestError { file: file.to_owned(), problems }
        })
    }
}

/// [`Manifest::read`] for those who need only the job.
///
/// # Errors
/// [`ManifestError`] with every mistake that could be found.
pub fn read_manifest(text: &str, file: &str) -> Result<StreamJob, ManifestError> {
    Manifest::read(text, file).map(|manifest| manifest.job)
}

fn read(text: &str) -> Result<Manifest, Vec<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text::check(text).map_err(|problem| vec![problem])?;
    let root = tree::parse(text).map_err(|problem| vec![problem])?;
    resource::check(&root).map_err(|problem| vec![problem])?;
    let Shape { value, positions, problems: mut found } = check_shape(&root);
    let job = match serde_json::from_value::<StreamJob>(value) {
        Ok(job) => job,
        // A required part is at fault, which is then among the findings. Should it ever not be, serde's words are
        // better than none.
        Err(error) if found.is_empty() => {
            found.push(Problem::new(root.position, "", error.to_string()));
            return Err(found);
        }
        Err(_) => return Err(found),
    };
    if let Err(errors) = job.validate() {
        let misshapen: Vec<String> = found.iter().map(|p| p.path.clone()).collect();
        // What was left out of `value` because of its shape may break a rule by its absence.
        let caused =
            |path: &str| misshapen.iter().any(|m| path::is_within(m, path) || path::is_within(path, m));
        found.extend(errors.into_iter().filter(|error| !caused(&error.path)).map(|error| Problem {
            position: positions.nearest(&error.path),
            path: error.path,
            message: error.message,
            hint: error.hint,
        }));
    }
    if !found.is_empty() {
        return Err(found);
    }
    let sql_origin = positions.exact("spec.sql").and_then(|at| SqlOrigin::find(text, at));
    Ok(Manifest { job, sql_origin })
}
