//! A process's certificate, as it is at the moment.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::files::{Configs, TlsError, TlsFiles, TlsTexts};
use crate::role::Role;

/// What a process shows to others and whom it trusts, from files that may be replaced at any time or from memory.
pub struct Identity {
    role: Role,
    files: TlsFiles,
    is_from_files: bool,
    current: Mutex<Current>,
}

struct Current {
    /// The files that were looked at last; nothing if they could not be read.
    seen: Option<TlsTexts>,
    configs: Configs,
}

impl Identity {
    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn open(files: TlsFiles, role: Role) -> Result<Self, TlsError> {
        let texts = files.read()?;
        let configs = files.configure(&texts, role)?;
        Ok(Self::new(files, true, texts, configs, role))
    }

    /// Takes what would be in files; `files` is what they are called when something is wrong. Nothing is read, now or later.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn given(files: TlsFiles, texts: TlsTexts, role: Role) -> Result<Self, TlsError> {
        let configs = files.configure(&texts, role)?;
        Ok(Self::new(files, false, texts, configs, role))
    }

    fn new(files: TlsFiles, is_from_files: bool, texts: TlsTexts, configs: Configs, role: Role) -> Self {
        Self { role, files, is_from_files, current: Mutex::new(Current { seen: Some(texts), configs }) }
    }

    /// Its role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    pub(crate) const fn files(&self) -> &TlsFiles {
        &self.files
    }

    /// For a new connection. What is in the files is used from now on; files that are no good are said once, and what was used
    /// before stays: while three files are replaced one after the other, they do not fit each other.
    pub(crate) fn configs(&self) -> Configs {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_from_files {
            return current.configs.clone();
        }
        let texts = match self.files.read() {
            Ok(texts) => texts,
            Err(error) => {
                if current.seen.take().is_some() {
                    complain(&error);
                }
                return current.configs.clone();
            }
        };
        if current.seen.as_ref() == Some(&texts) {
            return current.configs.clone();
        }
        match self.files.configure(&texts, self.role) {
            Ok(configs) => {
                tracing::info!("new certificates are in use, from {}", self.files.cert.display());
                current.configs = configs;
            }
            Err(error) => complain(&error),
        }
        current.seen = Some(texts);
        current.configs.clone()
    }
}

fn complain(error: &TlsError) {
    tracing::warn!("new certificates are not used, the old ones stay: {error}");
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("role", &self.role)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
