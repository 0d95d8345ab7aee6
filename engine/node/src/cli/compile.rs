//! From a file to a compiled job, with mistakes rendered for people.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use millstream_connectors::ConnectorRegistry;
use millstream_coordinator::control::{JobCompiler, Plans};
use millstream_model::graph::JobGraph;
use millstream_model::{ErrorKind, JobError};
use millstream_plan::CompiledJob;
use millstream_sql::{CompileOptions, Compiled, Diagnostics, Explanation};

use super::args::JobOptions;
use super::failure::Failure;
use crate::job_file::{JobFile, JobOverrides, JobSource};

/// A file that was read and compiled.
pub(super) struct Job {
    pub(super) file: JobFile,
    pub(super) compiled: Compiled,
}

/// All texts of a job.
pub(super) fn read(file: &Path, options: &JobOptions) -> Result<JobSource, Failure> {
    let overrides = JobOverrides {
        name: options.name.clone(),
        settings: options.settings.clone(),
        variables: options.variables.clone(),
        sql_from: options.sql_from.clone(),
    };
    JobSource::read(file, &overrides)
}

/// Compiles what was read, here or by another process; warnings go to stderr.
pub(super) fn compile_source(source: &JobSource, connectors: &ConnectorRegistry) -> Result<Job, Failure> {
    let Job { file, compiled } = compile_quietly(source, connectors)?;
    if let Some(warnings) = &compiled.warnings {
        let color = std::io::stderr().is_terminal();
        let text = report(&file, warnings, warnings.render_warnings(color));
        let _ = writeln!(std::io::stderr(), "{text}");
    }
    for overruled in file.overruled(&compiled.settings) {
        let _ = writeln!(std::io::stderr(), "warning: {overruled}");
    }
    Ok(Job { file, compiled })
}

/// A job that was compiled before, at another parallelism.
pub(super) fn compile_at(
    source: &JobSource,
    parallelism: u32,
    connectors: &ConnectorRegistry,
) -> Result<CompiledJob, JobError> {
    let job = compile_quietly(&source.at(parallelism), connectors);
    let job = job.map_err(|failure| JobError::new(ErrorKind::User, failure.message()))?.compiled.job;
    job.ok_or_else(|| JobError::new(ErrorKind::User, "there is no job in the SQL"))
}

/// A job's texts, for whoever wants it at another parallelism.
pub(super) struct Compiler {
    source: JobSource,
    connectors: ConnectorRegistry,
}

impl Compiler {
    pub(super) const fn new(source: JobSource, connectors: ConnectorRegistry) -> Self {
        Self { source, connectors }
    }
}

impl JobCompiler for Compiler {
    fn graph(&self, parallelism: u32) -> Result<JobGraph, JobError> {
        if parallelism == 0 {
            return Err(JobError::new(ErrorKind::User, "a job has a parallelism of at least 1"));
        }
        Ok(compile_at(&self.source, parallelism, &self.connectors)?.graph)
    }

    fn plans(&self, parallelism: u32) -> Result<Plans, JobError> {
        let job = compile_quietly(&self.source.at(parallelism), &self.connectors);
        let job = job.map_err(|failure| JobError::new(ErrorKind::User, failure.message()))?;
        let all = || job.compiled.explains.iter().chain(&job.compiled.plan);
        Ok(Plans {
            text: all().map(Explanation::to_text).collect(),
            json: all().map(Explanation::to_json).collect(),
        })
    }
}

fn compile_quietly(source: &JobSource, connectors: &ConnectorRegistry) -> Result<Job, Failure> {
    let file = JobFile::parse(source)?;
    let options = CompileOptions {
        file_name: file.sql_file.clone(),
        base_dir: file.base_dir.clone(),
        variables: file.variables.clone(),
        settings: file.settings.clone(),
        parallelism: file.parallelism,
        max_parallelism: file.max_parallelism,
        connectors,
    };
    let color = std::io::stderr().is_terminal();
    let compiled = millstream_sql::compile(&file.sql, &options)
        .map_err(|diagnostics| Failure::Mistake(report(&file, &diagnostics, diagnostics.render(color))))?;
    Ok(Job { file, compiled })
}

/// The rendered report; for SQL inside a manifest with the lines of the manifest, since that is what the user edits.
fn report(file: &JobFile, diagnostics: &Diagnostics, rendered: String) -> String {
    if file.sql_origin.is_none() {
        return rendered;
    }
    let places: Vec<String> = diagnostics
        .items
        .iter()
        .filter_map(|item| item.span)
        .map(|span| {
            let (line, column) = file.locate(span.line, span.column);
            format!("{}:{line}:{column}", file.sql_file)
        })
        .collect();
    if places.is_empty() {
        return rendered;
    }
    format!("{rendered}\n  (lines are counted from spec.sql; in the manifest: {})", places.join(", "))
}
