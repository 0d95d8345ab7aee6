//! Writes `src/generated` of `millstream-proto` from its `proto` folder: `make proto`. No protoc is needed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

const PROTO: &str = "control.proto";
const GENERATED: &str = "millstream.control.v1.rs";

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (sources, out) = (root.join("proto"), root.join("src/generated"));
    let described = protox::compile([PROTO], [&sources])?;
    fs::create_dir_all(&out)?;
    tonic_prost_build::configure().out_dir(&out).compile_fds(described)?;
    // A test of the crate compares this line with the file that is there.
    let mut code = format!("// sha256 of {PROTO}: ");
    for byte in Sha256::digest(fs::read(sources.join(PROTO))?) {
        write!(code, "{byte:02x}")?;
    }
    code.push('\n');
    code += &fs::read_to_string(out.join(GENERATED))?;
    fs::write(out.join(GENERATED), code)?;
    Ok(())
}
