//! Tells the binary which commit and profile it was built from.

use std::process::Command;

fn main() {
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown commit".into(), |text| text.trim().to_owned());
    let profile = std::env::var("PROFILE").unwrap_or_else(|_| "unknown profile".into());
    println!("cargo::rustc-env=MILLSTREAM_COMMIT={commit}");
    println!("cargo::rustc-env=MILLSTREAM_PROFILE={profile}");
    println!("cargo::rerun-if-changed=../../.git/HEAD");
    println!("cargo::rerun-if-changed=../../.git/refs/heads");
}
