//! A job as it is given on the command line: a StreamJob manifest or a file of SQL, with what the flags change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream_api::{
    CheckpointSettings, DesiredState, Manifest, RestartPolicy, RestorePolicy, SqlOrigin, SqlSource,
    StateBackend, names,
};
use millstream_model::JobIdentity;
use serde::{Deserialize, Serialize};

use crate::cli::Failure;

/// SQL's names of two fields of a manifest.
const PARALLELISM: &str = "parallelism.default";
const MAX_PARALLELISM: &str = "pipeline.max-parallelism";

/// Folder of what runs keep beside a job's file.
pub const LOCAL_FOLDER: &str = ".millstream";

/// Longest job file: a manifest has the same limit.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Checkpointing of a file of SQL.
const DEFAULT_CHECKPOINTS: CheckpointSettings = CheckpointSettings {
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(600),
    min_pause: Duration::ZERO,
    retained: 3,
    tolerable_failures: 3,
};

/// What the flags say about a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct JobOverrides {
    /// `--name`.
    pub name: Option<String>,
    /// `--set`, later ones win.
    pub settings: Vec<(String, String)>,
    /// `--var`, later ones win.
    pub variables: Vec<(String, String)>,
    /// `--sql-from`.
    pub sql_from: Option<PathBuf>,
}

/// All texts that a job consists of. Every process of the job reads the same ones, from here and not from its own disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSource {
    file: SourceText,
    sql_from: Option<SourceText>,
    overrides: JobOverrides,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SourceText {
    /// As the user named it.
    path: PathBuf,
    /// Its folder, absolute.
    folder: PathBuf,
    text: String,
}

impl SourceText {
    fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self { path: path.to_owned(), folder: folder_of(path)?, text: read_text(path)? })
    }
}

impl JobSource {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Failure::Mistake`] with file and reason.
    pub fn read(file: &Path, overrides: &JobOverrides) -> Result<Self, Failure> {
        let sql_from = overrides.sql_from.as_deref().map(SourceText::read).transpose()?;
        Ok(Self { file: SourceText::read(file)?, sql_from, overrides: overrides.clone() })
    }
}

/// A job, read and validated, with everything that a run needs beside its SQL's plan.
#[derive(Clone, Debug)]
pub struct JobFile {
    /// Who it is.
    pub identity: JobIdentity,
    /// The SQL, with variables still to be filled in.
    pub sql: String,
    /// What messages call the file with the SQL.
    pub sql_file: String,
    /// Where the SQL stands in a manifest.
    pub sql_origin: Option<SqlOrigin>,
    /// Folder that relative paths start from.
    pub base_dir: PathBuf,
    /// Values of `${NAME}`.
    pub variables: BTreeMap<String, String>,
    /// Options: the manifest's `config`, then `--set`.
    pub settings: BTreeMap<String, String>,
    /// Subtasks of each operator; `None`: as the SQL says.
    pub parallelism: Option<u32>,
    /// Number of key groups; `None`: as the SQL says.
    pub max_parallelism: Option<u32>,
    /// `spec.state.backend`.
    pub state_backend: StateBackend,
    /// `spec.restore.from`, and what it means that nothing is there.
    pub restore: Option<(String, RestorePolicy)>,
    /// `spec.state.storage`.
    pub manifest_storage: Option<String>,
    /// When checkpoints are taken.
    pub checkpoint: CheckpointSettings,
    /// What happens after a failure; `None`: the default.
    pub restart: Option<RestartPolicy>,
    /// Whether the job should run at all.
    pub is_suspended: bool,
    /// Fields that only a cluster acts on.
    pub ignored: Vec<&'static str>,
}

impl JobSource {
    /// The same job at another parallelism, whatever its texts say.
    #[must_use]
    pub fn at(&self, parallelism: u32) -> Self {
        let mut source = self.clone();
        source.overrides.settings.push((PARALLELISM.to_owned(), parallelism.to_string()));
        source
    }
}

impl JobFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Failure::Mistake`] with file, place and advice.
    pub fn read(file: &Path, overrides: &JobOverrides) -> Result<Self, Failure> {
        Self::parse(&JobSource::read(file, overrides)?)
    }

    /// The job in these texts.
    ///
    /// # Errors
    /// [`Failure::Mistake`] with file, place and advice.
    pub fn parse(source: &JobSource) -> Result<Self, Failure> {
        let JobSource { file: SourceText { path: file, .. }, overrides, .. } = source;
        let mut job = match extension(file).as_deref() {
            Some("sql") => Self::from_sql(&source.file, overrides)?,
            Some("yaml" | "yml" | "json") => Self::from_manifest(source)?,
            _ => {
                return Err(Failure::Mistake(format!(
                    "{}: a job is a StreamJob manifest (.yaml, .yml, .json) or a file of SQL (.sql)",
                    file.display()
                )));
            }
        };
        // What is typed wins over the manifest's fields of the same meaning. Values are checked by the compiler.
        for (key, value) in &overrides.settings {
            let field = match key.as_str() {
                PARALLELISM => &mut job.parallelism,
                MAX_PARALLELISM => &mut job.max_parallelism,
                _ => continue,
            };
            *field = value.trim().parse().ok().or(*field);
        }
        job.settings.extend(overrides.settings.iter().cloned());
        job.variables.extend(overrides.variables.iter().cloned());
        Ok(job)
    }

    /// A job of this name in the working directory, of which nothing else is known.
    ///
    /// # Errors
    /// [`Failure::Mistake`]: it is no name.
    pub fn named(name: &str) -> Result<Self, Failure> {
        let overrides = JobOverrides { name: Some(name.to_owned()), ..JobOverrides::default() };
        let path = Path::new(name);
        let nothing = SourceText { path: path.to_owned(), folder: folder_of(path)?, text: String::new() };
        Self::from_sql(&nothing, &overrides)
    }

    /// Settings of the SQL that a field of the manifest overrules, each with a sentence about it.
    #[must_use]
    pub fn overruled(&self, settings: &BTreeMap<String, String>) -> Vec<String> {
        [
            (PARALLELISM, "spec.parallelism", self.parallelism),
            ("table.exec.resource.default-parallelism", "spec.parallelism", self.parallelism),
            (MAX_PARALLELISM, "spec.maxParallelism", self.max_parallelism),
        ]
        .into_iter()
        .filter_map(|(key, field, obeyed)| {
            let (set, obeyed) = (settings.get(key)?.trim().parse::<u32>().ok()?, obeyed?);
            (set != obeyed).then(|| format!("setting '{key}' = '{set}' has no effect: {field} is {obeyed}"))
        })
        .collect()
    }

    /// Folder of what runs keep beside the file.
    #[must_use]
    pub fn local_folder(&self) -> PathBuf {
        self.base_dir.join(LOCAL_FOLDER)
    }

    /// The same position in the file that the user wrote, for a place in the SQL.
    #[must_use]
    pub fn locate(&self, line: usize, column: usize) -> (usize, usize) {
        match self.sql_origin.and_then(|o| o.locate(line, column)) {
            Some(place) => (place.line, place.column),
            None => (line, column),
        }
    }

    fn from_sql(source: &SourceText, overrides: &JobOverrides) -> Result<Self, Failure> {
        let SourceText { path: file, folder, text } = source;
        if overrides.sql_from.is_some() {
            return Err(Failure::Mistake(format!(
                "{}: --sql-from goes with a manifest; this file is SQL already",
                file.display()
            )));
        }
        Ok(Self {
            identity: identity(names::DEFAULT_NAMESPACE, None, file, overrides)?,
            sql: text.clone(),
            sql_file: file.display().to_string(),
            sql_origin: None,
            base_dir: folder.clone(),
            variables: BTreeMap::new(),
            settings: BTreeMap::new(),
            parallelism: None,
            max_parallelism: None,
            state_backend: StateBackend::Memory,
            restore: None,
            manifest_storage: None,
            checkpoint: DEFAULT_CHECKPOINTS,
            restart: None,
            is_suspended: false,
            ignored: Vec::new(),
        })
    }

    fn from_manifest(source: &JobSource) -> Result<Self, Failure> {
        let JobSource { file: SourceText { path: file, folder, text }, sql_from, overrides } = source;
        let name = file.display().to_string();
        let manifest = Manifest::read(text, &name).map_err(|e| Failure::Mistake(e.to_string()))?;
        let job = manifest.job.validate().map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(|e| format!("{name}: {e}")).collect();
            Failure::Mistake(lines.join("\n"))
        })?;
        let identity = identity(&job.namespace, job.name.as_deref(), file, overrides)?;
        let (sql, sql_file, sql_origin, base_dir) = match (sql_from, job.sql) {
            (Some(from), _) => {
                (from.text.clone(), from.path.display().to_string(), None, from.folder.clone())
            }
            (None, SqlSource::Inline(sql)) => (sql, name, manifest.sql_origin, folder.clone()),
            (None, SqlSource::ConfigMap { name: map, key }) => {
                return Err(Failure::Mistake(format!(
                    "{name}: spec.sqlFrom: the config map {map} (key {key}) exists only on a cluster; give its text with --sql-from FILE"
                )));
            }
        };
        Ok(Self {
            identity,
            sql,
            sql_file,
            sql_origin,
            base_dir,
            variables: job.variables,
            settings: job.config,
            parallelism: Some(job.parallelism),
            max_parallelism: Some(job.max_parallelism),
            state_backend: job.state_backend,
            restore: job.restore.and_then(|restore| Some((restore.from?, restore.policy))),
            manifest_storage: job.storage,
            checkpoint: job.checkpoint,
            restart: Some(job.restart),
            is_suspended: job.desired_state == DesiredState::Suspended,
            ignored: job.ignored_locally,
        })
    }
}

fn identity(
    namespace: &str,
    name: Option<&str>,
    file: &Path,
    overrides: &JobOverrides,
) -> Result<JobIdentity, Failure> {
    let name = match (name, &overrides.name) {
        (Some(given), Some(name)) if given != name => {
            return Err(Failure::Mistake(format!(
                "{}: --name {name} is for a file that gives no name; this job is {given}",
                file.display()
            )));
        }
        (Some(name), _) => name.to_owned(),
        (None, Some(name)) if names::is_label(name, names::MAX_JOB_NAME) => name.clone(),
        (None, Some(name)) => {
            return Err(Failure::Mistake(format!(
                "--name {name}: a name has lower case letters, digits and `-`, begins and ends with a letter or digit, and at most {} characters",
                names::MAX_JOB_NAME
            )));
        }
        (None, None) => names::job_name_from(&file.file_stem().unwrap_or_default().to_string_lossy()),
    };
    Ok(JobIdentity { namespace: namespace.to_owned(), name, uid: "local".into() })
}

fn extension(file: &Path) -> Option<String> {
    Some(file.extension()?.to_string_lossy().to_lowercase())
}

fn read_text(file: &Path) -> Result<String, Failure> {
    let mistake = |what: String| Failure::Mistake(format!("{}: {what}", file.display()));
    let about = std::fs::metadata(file).map_err(|e| mistake(reason(&e)))?;
    if about.is_dir() {
        return Err(mistake("is a folder; name the manifest in it".into()));
    }
    if about.len() > MAX_FILE_BYTES {
        return Err(mistake(format!("has {} bytes; a job file has at most {MAX_FILE_BYTES}", about.len())));
    }
    let bytes = std::fs::read(file).map_err(|e| mistake(reason(&e)))?;
    String::from_utf8(bytes)
        .map_err(|e| mistake(format!("is not UTF-8 text (byte {})", e.utf8_error().valid_up_to())))
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        _ => format!("cannot be read: {error}"),
    }
}

/// The folder of a file, absolute, so that nothing depends on the working directory later.
fn folder_of(file: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(file)
        .map_err(|e| Failure::Mistake(format!("{}: cannot be made absolute: {e}", file.display())))?;
    Ok(absolute.parent().map_or(absolute.clone(), Path::to_path_buf))
}
