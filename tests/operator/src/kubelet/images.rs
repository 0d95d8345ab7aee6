//! Which program an image is on this node: the only place where that is decided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The image that is the engine of this build.
pub const ENGINE_IMAGE: &str = "millstream.test/engine:1";

/// Images that can be pulled, and the programs that their entry points are. Any other image cannot be pulled.
#[derive(Clone, Debug, Default)]
pub struct Images(BTreeMap<String, PathBuf>);

impl Images {
    /// The same with one more; the name is what pods say, with its tag.
    #[must_use]
    pub fn with(mut self, image: &str, program: PathBuf) -> Self {
        self.0.insert(image.to_owned(), program);
        self
    }

    /// The program of an image.
    pub(super) fn program(&self, image: Option<&str>) -> Option<&Path> {
        self.0.get(image?).map(PathBuf::as_path)
    }
}
