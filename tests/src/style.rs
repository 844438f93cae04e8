//! The style of the sources that no formatter holds: the order of derives, and the files of modules.

use std::path::Path;

use crate::tree::Text;

/// The derives of std and serde, in the order in which they stand. All others follow, by name.
const ORDER: [&str; 11] = [
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "PartialEq",
    "Eq",
    "Hash",
    "PartialOrd",
    "Ord",
    "Serialize",
    "Deserialize",
];

/// The derives of a source that are out of order, each with the order that it should have.
pub fn derives_out_of_order(source: &str) -> Vec<String> {
    let lists = source.split("#[derive(").skip(1).filter_map(|rest| rest.split(")]").next());
    let wrong = lists.filter_map(|list| {
        let found: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let mut ordered = found.clone();
        ordered.sort_by_key(|name| {
            let place = ORDER.iter().position(|known| known == name);
            (place.unwrap_or(ORDER.len()), name.rsplit("::").next().unwrap_or(name).to_owned())
        });
        (found != ordered).then(|| format!("`{}` should be `{}`", found.join(", "), ordered.join(", ")))
    });
    wrong.collect()
}

/// Whether a file is a module in the form of the 2015 edition.
pub fn is_mod_rs(text: &Text) -> bool {
    Path::new(&text.path).file_name().is_some_and(|name| name == "mod.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_have_one_order_and_foreign_ones_come_last() {
        assert_eq!(
            derives_out_of_order("#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]"),
            [""; 0]
        );
        let wrong =
            derives_out_of_order("#[derive(Debug, Clone)]\nstruct A;\n#[derive(Args, Debug)]\nstruct B;");
        assert_eq!(
            wrong,
            ["`Debug, Clone` should be `Clone, Debug`", "`Args, Debug` should be `Debug, Args`"]
        );
    }
}
