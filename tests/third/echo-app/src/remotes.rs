//! The remote forms of the echo's component.

/// The component `echoes`.
pub mod echoes {
    use echo::{EchoError, Echoed, Echoes, Said};

    use super::proto;

    remote::remote! {
        Echoes at "echoes", by gRPC "lab.echo.v1.EchoesService" of proto, failing with EchoError {
            echo(Said) -> Echoed;
        }
    }
}

/// The code that tonic generates from `proto/lab/echo/v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod proto {
    tonic::include_proto!("lab.echo.v1");
}

mod messages;
