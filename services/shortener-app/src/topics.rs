//! The topics of the shortener.

use backing::Topic;
use shortener::Clicked;

use crate::remotes::proto;

/// The topic `clicks`: follows of links.
#[derive(Clone, Copy, Debug)]
pub struct Follows;

impl Topic for Follows {
    const NAME: &'static str = "clicks";
    type Payload = Clicked;
    type Message = proto::Clicked;
}
