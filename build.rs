//! Link options of the loadable module.

fn main() {
    // A host that calls dlclose() must not unmap code that OpenSSL's and Rust's thread-local
    // destructors still point into: the library stays mapped until the process ends.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // No text relocations, all relocations read-only after start.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,relro,-z,now");
    println!("cargo:rerun-if-changed=build.rs");
}
