//! The binary holds the console and the packs: it is built anew when they change.

fn main() {
    for folder in ["../../packs", "../../console/dist"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
