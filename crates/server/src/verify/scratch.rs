use base::{Error, Result};
use std::path::{Path, PathBuf};

/// A folder for one proof, inside the folder of the data so that it is on the same disk. It goes away with this value, also when the
/// proof is stopped by Ctrl+C.
pub struct Scratch {
    path: PathBuf,
    /// The folder around it, if it was not there before.
    made: Option<PathBuf>,
}

impl Scratch {
    pub fn within(data: &Path) -> Result<Scratch> {
        let made = (!data.exists()).then(|| data.to_owned());
        let path = data.join(format!("verify-{}", base::new_id()));
        std::fs::create_dir_all(&path).map_err(|cause| Error::malformed("data", format!("{} cannot be made: {cause}.", path.display())))?;
        // Whoever runs the server may stand elsewhere than it does.
        let path = path.canonicalize()?;
        Ok(Scratch { path, made })
    }
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Where the scratch installation has its data. A `tenon.toml` of the real one is not beside it.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the scratch folder of a proof could not be removed");
        }
        if let Some(made) = &self.made {
            // Somebody may have put something there meanwhile; then it stays.
            let _ = std::fs::remove_dir(made);
        }
    }
}
