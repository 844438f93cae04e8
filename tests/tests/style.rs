//! One style in one tree, as far as the formatter does not hold it.

use system_tests::{
    style::{derives_out_of_order, is_mod_rs},
    tree::texts_of,
};

#[test]
fn derives_stand_in_one_order() {
    let mut found = Vec::new();
    for source in texts_of("rs").iter().filter(|source| !source.path.ends_with("src/style.rs")) {
        let wrong = derives_out_of_order(&source.text).into_iter();
        found.extend(wrong.map(|list| format!("{}: {list}", source.path)));
    }
    assert!(found.is_empty(), "derives out of order:\n  {}", found.join("\n  "));
}

#[test]
fn a_module_is_a_file_with_its_name() {
    let found: Vec<_> = texts_of("rs").into_iter().filter(is_mod_rs).map(|text| text.path).collect();
    assert!(found.is_empty(), "`name.rs`, not `name/mod.rs`: {found:?}");
}
