//! The lab's command with a third system, which is registered here and nowhere else.

use std::process::ExitCode;

use runtime::Service;

static SERVICES: &[&Service] = &[&echo_app::SERVICE];

fn main() -> ExitCode {
    scenario::systems::register(SERVICES, &[&echo_journeys::Echo]);
    lab::cli::main()
}
