//! From text to a file's shape, with all invalid keys and values reported together.

use std::ops::Range;

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::{
    ScenarioFault,
    fault::{Found, Source, meant},
    file::ScenarioFile,
};

/// Keys that others depend on: if one is removed, the search for further errors stops, because they could be
/// its consequences.
const SPEAKS_OF_OTHERS: [&str; 4] = ["system", "axis", "arms", "steps"];

/// Parses a file; returns its shape and the errors so far, so that the search for other errors can continue.
/// Fails if it cannot.
///
/// serde stops at the first error. So the part that it points at is removed, or replaced by a number if one
/// is expected, and the file is parsed again, until there are no more errors. A missing key is reported only
/// if it was not removed here: not if its value was invalid, and not if its name was misspelt.
pub(super) fn file(source: &Source<'_>) -> Result<(ScenarioFile, Found), ScenarioFault> {
    let mut document = DeTable::parse(source.text).map_err(|error| source.toml(&error))?;
    let (mut found, mut removed, mut is_whole) = (Found::default(), Vec::new(), true);
    loop {
        let error = match ScenarioFile::deserialize(Deserializer::from(document.clone())) {
            Ok(file) if is_whole => return Ok((file, found)),
            Ok(_) => return Err(found.all()),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let follows =
            missing(&error).is_some_and(|key| removed.contains(&(span.clone(), Some(key.to_owned()))));
        if !follows {
            found.add(source.toml(&error));
        }
        if wants_a_number(&error) && make_a_number(document.get_mut(), &span) {
            continue;
        }
        let meant = meant(error.message());
        let is_spare = error.message().starts_with("unknown field ");
        is_whole &= is_spare && meant.is_none_or(|key| !SPEAKS_OF_OTHERS.contains(&key));
        let whole = document.span();
        match take(document.get_mut(), &whole, &span) {
            Some((table, key)) => removed.push((table, meant.map(str::to_owned).or(key))),
            // The document as a whole is invalid, so there is nothing more to find.
            None => return Err(found.all()),
        }
    }
}

/// The key that serde reports as missing.
fn missing(error: &toml::de::Error) -> Option<&str> {
    error.message().trim().strip_prefix("missing field `")?.strip_suffix('`')
}

/// Whether a required number is expected.
fn wants_a_number(error: &toml::de::Error) -> bool {
    error.message().trim().ends_with(", expected f64")
}

/// Replaces the value at this location by a number within all bounds; `false` if there is none.
fn make_a_number(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let Ok(number) = DeTable::parse("number = 100.0") else { return false };
    let number = number.get_ref().get("number").map(|number| number.get_ref().clone());
    number.zip(at(table, span)).map(|(number, place)| *place.get_mut() = number).is_some()
}

/// The value at this location.
fn at<'t, 'i>(table: &'t mut DeTable<'i>, span: &Range<usize>) -> Option<&'t mut Spanned<DeValue<'i>>> {
    table.iter_mut().find_map(|(_, value)| at_or_within(value, span))
}

fn at_or_within<'t, 'i>(
    value: &'t mut Spanned<DeValue<'i>>,
    span: &Range<usize>,
) -> Option<&'t mut Spanned<DeValue<'i>>> {
    if value.span() == *span {
        return Some(value);
    }
    match value.get_mut() {
        DeValue::Table(table) => at(table, span),
        DeValue::Array(list) => list.iter_mut().find_map(|item| at_or_within(item, span)),
        _ => None,
    }
}

/// The location of a removed entry, and its key; entries of a list have none.
type Removed = (Range<usize>, Option<String>);

/// Removes the entry at an error's location from a table.
fn take(table: &mut DeTable<'_>, whole: &Range<usize>, span: &Range<usize>) -> Option<Removed> {
    let pointed = |key: &Range<usize>, value: &Range<usize>| key == span || value == span;
    let entry = table.iter().find(|(key, value)| pointed(&key.span(), &value.span()));
    if let Some(key) = entry.map(|(key, _)| key.clone()) {
        table.remove(&key);
        return Some((whole.clone(), Some(key.get_ref().to_string())));
    }
    table.iter_mut().find_map(|(_, value)| within(value, span))
}

fn within(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Removed> {
    let whole = value.span();
    match value.get_mut() {
        DeValue::Table(table) => take(table, &whole, span),
        DeValue::Array(list) => {
            if list.iter().any(|item| item.span() == *span) {
                *list = list.clone().into_iter().filter(|item| item.span() != *span).collect();
                return Some((whole, None));
            }
            list.iter_mut().find_map(|item| within(item, span))
        }
        _ => None,
    }
}
