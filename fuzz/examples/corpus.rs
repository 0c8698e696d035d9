//! Writes the seeds of every target to where `cargo fuzz` looks for them: `fuzz/corpus/<target>/`.

use std::path::Path;
use std::{fs, io};

use yjs_provider_fuzz::{TARGETS, seeds};

fn main() -> io::Result<()> {
    for (name, _) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds(name).iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
