//! Finds Kafka's jars, and a Java to run them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use scenario::diagnostic::Diagnostic;

use crate::{arm::BackingChoices, process::programs};

/// The folders of Kafka by its own documentation, in packages, and by Homebrew.
const USUAL_PLACES: [&str; 4] =
    ["/opt/kafka", "/usr/share/kafka", "/usr/local/opt/kafka/libexec", "/opt/homebrew/opt/kafka/libexec"];

/// An installed Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder that holds `libs`.
    pub home: PathBuf,
    /// `Kafka 4.3.1`.
    pub version: String,
    /// The program `java`.
    pub java: PathBuf,
}

impl Installation {
    /// The chosen folder, or the first of the usual places that contains Kafka; `None` if there is neither.
    ///
    /// A chosen folder without Kafka is an error, and so is a Kafka without a Java.
    pub fn find(choices: &BackingChoices) -> Result<Option<Self>, Diagnostic> {
        let java = java(choices);
        let Some(home) = &choices.kafka_home else {
            return Ok(
                java.and_then(|java| USUAL_PLACES.iter().find_map(|home| Self::at(home.as_ref(), &java)))
            );
        };
        let java = java.ok_or_else(|| {
            Diagnostic::new(format!("there is no Java to run the Kafka of `{}`", home.display()))
                .hint("install Java 17 or later (`apt-get install default-jre-headless`), or name its folder by `--java-home DIR`")
        })?;
        let installation = Self::at(home, &java).ok_or_else(|| {
            Diagnostic::new(format!("`{}` holds no Kafka: there is no `libs/kafka_*.jar`", home.display()))
                .hint("`--kafka-home` expects the folder in which Kafka was unpacked; `--embedded-kafka` does without")
        })?;
        Ok(Some(installation))
    }

    fn at(home: &Path, java: &Path) -> Option<Self> {
        let libs = fs::read_dir(home.join("libs")).ok()?;
        let mut names = libs.filter_map(Result::ok).map(|entry| entry.file_name());
        let version = names.find_map(|name| version(&name.to_string_lossy()))?;
        Some(Self { home: home.to_owned(), version, java: java.to_owned() })
    }
}

/// From `kafka_2.13-4.3.1.jar`: Scala's version, then Kafka's.
fn version(jar: &str) -> Option<String> {
    let (scala, kafka) = jar.strip_prefix("kafka_")?.strip_suffix(".jar")?.split_once('-')?;
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    (is_number(scala) && is_number(kafka)).then(|| format!("Kafka {kafka}"))
}

fn java(choices: &BackingChoices) -> Option<PathBuf> {
    let own = choices.java_home.iter().map(|home| home.join("bin/java")).filter(|java| java.is_file());
    own.chain(programs::named("java")).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafka_is_known_by_its_own_jar() {
        assert_eq!(version("kafka_2.13-4.3.1.jar").as_deref(), Some("Kafka 4.3.1"));
        assert_eq!(version("kafka_2.13-4.3.1-sources.jar"), None);
        assert_eq!(version("kafka-clients-4.3.1.jar"), None);
    }

    #[test]
    fn a_folder_without_kafka_is_refused_and_one_with_its_jar_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let java = folder.path().join("java");
        fs::create_dir_all(java.join("bin")).unwrap();
        fs::write(java.join("bin/java"), "").unwrap();
        let choices = BackingChoices {
            kafka_home: Some(folder.path().to_owned()),
            java_home: Some(java),
            ..BackingChoices::default()
        };
        let refused = Installation::find(&choices).unwrap_err().to_string();
        assert!(refused.contains("holds no Kafka") && refused.contains("hint:"), "{refused}");
        fs::create_dir(folder.path().join("libs")).unwrap();
        fs::write(folder.path().join("libs/kafka_2.13-4.3.1.jar"), "").unwrap();
        let found = Installation::find(&choices).unwrap().unwrap();
        assert_eq!(found.version, "Kafka 4.3.1");
    }
}
