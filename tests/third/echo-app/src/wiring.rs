//! The echo's wiring: the architecture, top to bottom.

use std::sync::Arc;

use anyhow::Result;
use echo::{EchoService, Echoes};
use runtime::{Backings, Host};

use crate::{edge, remotes::echoes};

/// Echoes need nothing. The edge asks for them.
pub(crate) async fn wire(host: &mut Host) -> Result<()> {
    let echoes = host.place(echoes::CONTRACT, echo_service).await?;
    host.edge(|registry| edge::router(echoes, registry));
    Ok(())
}

async fn echo_service(_: &mut Backings) -> Result<Arc<dyn Echoes>> {
    Ok(Arc::new(EchoService::default()))
}
