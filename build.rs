//! Compresses what is served as it is, once, and names it by its content, so that a browser may
//! keep it for ever.

use std::{
    env, fs,
    io::{self, Write as _},
    path::PathBuf,
};

use sha2::{Digest as _, Sha256};

/// File and media type.
const ASSETS: &[(&str, &str)] =
    &[("vestibule.css", "text/css; charset=utf-8"), ("icon.svg", "image/svg+xml")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::from("&[\n");
    for (name, media_type) in ASSETS {
        let source = PathBuf::from("static").join(name);
        println!("cargo::rerun-if-changed={}", source.display());
        let bytes = fs::read(&source)?;
        let bytes = if name.ends_with(".css") {
            without_comments(&String::from_utf8(bytes)?).into_bytes()
        } else {
            bytes
        };
        let (stem, extension) = name.split_once('.').ok_or("a name has an extension")?;
        let digest: String =
            Sha256::digest(&bytes).iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        fs::write(out.join(name), &bytes)?;
        fs::write(out.join(format!("{name}.br")), brotli(&bytes)?)?;
        fs::write(out.join(format!("{name}.gz")), gzip(&bytes)?)?;
        let file = |suffix: &str| {
            format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}{suffix}\"))")
        };
        table.push_str(&format!(
            "    Asset \
                {{ name: {name:?}, path: \"/static/{stem}.{digest}.{extension}\", media_type: {media_type:?}, plain: {}, brotli: {}, gzip: {} }},\n",
            file(""),
            file(".br"),
            file(".gz"),
        ));
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    println!("cargo::rerun-if-changed=src/engine/store/migrations");
    Ok(())
}

/// The stylesheet without its comments and indentation.
fn without_comments(css: &str) -> String {
    let mut plain = String::new();
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters =
        brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
