//! The help texts, as they are printed.

use clap::CommandFactory;

use super::Cli;

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_reads_like_a_first_lesson() {
    insta::assert_snapshot!(Cli::command().term_width(100).render_long_help());
}

#[test]
fn each_command_explains_itself_with_examples() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    for name in ["list", "show", "plan", "run", "up", "load", "report", "doctor"] {
        let command = cli.find_subcommand_mut(name).unwrap();
        insta::assert_snapshot!(name, command.render_help());
    }
}
