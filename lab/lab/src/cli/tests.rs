//! The help texts as they are printed.

use clap::CommandFactory;

use super::Cli;

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_reads_like_a_first_lesson() {
    insta::assert_snapshot!(Cli::command().term_width(98).render_long_help());
}

#[test]
fn each_command_explains_itself_with_examples() {
    let mut cli = Cli::command().term_width(98);
    cli.build();
    for name in [
        "list", "show", "plan", "run", "drill", "up", "trace", "events", "fault", "watch", "load", "report",
        "compare", "doctor",
    ] {
        let command = cli.find_subcommand_mut(name).unwrap();
        insta::assert_snapshot!(name, command.render_help());
    }
}

/// On a wide screen: every hand-written line is short enough not to wrap.
#[test]
fn no_line_of_a_help_text_is_broken_in_two() {
    let mut cli = Cli::command();
    cli.build();
    let mut commands = vec![&cli];
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands());
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in after.lines() {
            assert!(line.chars().count() <= 98, "{}: {line}", command.get_name());
        }
    }
}

#[test]
fn whoever_says_which_stores_are_missing_knows_those_that_are_given() {
    let cli = Cli::command();
    for name in ["list", "plan", "run", "up"] {
        let command = cli.find_subcommand(name).unwrap();
        let read: Vec<_> = command.get_arguments().filter_map(|argument| argument.get_env()).collect();
        for variable in ["LAB_POSTGRES_URL", "LAB_REDIS_URL", "LAB_KAFKA_URL", "KAFKA_HOME"] {
            assert!(read.iter().any(|found| *found == variable), "`lab {name}` does not read `{variable}`");
        }
    }
}
