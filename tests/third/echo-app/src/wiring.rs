//! The echo's wiring: the architecture, top to bottom.

use std::sync::Arc;

use anyhow::Result;
use backing::Check;
use design::Choice as _;
use echo::{EchoService, Echoes};
use runtime::{Backings, Host};
use tokio::net::TcpStream;

use crate::{axes::Tolls, edge, remotes::echoes};

/// Echoes need nothing, and watch a provider if they cost something. The edge asks for them.
pub(crate) async fn wire(host: &mut Host) -> Result<()> {
    let echoes = host.place(echoes::CONTRACT, echo_service).await?;
    let live = host.live(edge::limits());
    host.edge(|registry| edge::router(echoes, live, registry));
    Ok(())
}

async fn echo_service(backings: &mut Backings) -> Result<Arc<dyn Echoes>> {
    match backings.choice() {
        Tolls::None => {}
        Tolls::Provider => backings.watches(accepts(&backings.address(Tolls::AXIS.name)?)),
    }
    Ok(Arc::new(EchoService::default()))
}

/// Whether the server of `http://HOST:PORT/#...` accepts connections.
fn accepts(address: &str) -> Check {
    let server = address.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
    Check::new(Tolls::AXIS.name.to_owned(), move || {
        let server = server.clone();
        async move { TcpStream::connect(server).await.is_ok() }
    })
}
