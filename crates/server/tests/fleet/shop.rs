//! A product in two versions. The second has a narrower choice in `goods`, which one company's records may not fit, and one more field in
//! `boxes`.

use kernel::Module;
use std::path::Path;

const GOODS: &str = r#"{"name": "good", "plural": "goods", "title": "{name}", "fields": {"name": {"type": "text"}, "stage": {"type": "choice", "options": [OPTIONS]}}}"#;
const BOXES: &str =
    r#"{"name": "box", "plural": "boxes", "title": "{name}", "fields": {"name": {"type": "text"}, "good": {"type": "ref", "to": "shop.goods"}SIZE}}"#;

fn manifest(version: &str, migrations: &str) -> String {
    format!(
        r#"{{"name": "shop", "title": "Shop", "version": "{version}", "min_platform": "0.1.0", "resources": ["goods", "boxes"], "migrations": [{migrations}]}}"#
    )
}

/// Manifest, goods, boxes.
fn texts(version: u8) -> [String; 3] {
    let (options, size, migrations) = match version {
        1 => (r#""lead", "open", "won""#, "", ""),
        _ => (r#""open", "won""#, r#", "size": {"type": "integer", "required": true, "default": 7}"#, r#"{"narrow": "goods.stage"}"#),
    };
    [manifest(&format!("{version}.0.0"), migrations), GOODS.replace("OPTIONS", options), BOXES.replace("SIZE", size)]
}

pub fn module(version: u8) -> Module {
    let [manifest, goods, boxes] = texts(version);
    Module::parse("shop", &manifest, &[("goods", &goods), ("boxes", &boxes)]).unwrap()
}

/// The same as a pack beside the data, for the real binary.
pub fn write(version: u8, data: &Path) {
    let folder = data.join("packs/shop");
    std::fs::create_dir_all(folder.join("resources")).unwrap();
    let [manifest, goods, boxes] = texts(version);
    for (name, text) in [("manifest.json", manifest), ("resources/goods.json", goods), ("resources/boxes.json", boxes)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}
