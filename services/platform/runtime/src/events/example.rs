//! A topic of letters, for the tests.

use backing::Topic;
use prost::Message;
use remote::Malformed;

/// What a letter says, which is its own message.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Letter {
    #[prost(string, tag = "1")]
    text: String,
}

impl prost::Name for Letter {
    const NAME: &'static str = "Letter";
    const PACKAGE: &'static str = "lab.post.v1";
}

/// A fact of the contract.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Posted(pub(super) String);

impl From<Posted> for Letter {
    fn from(posted: Posted) -> Self {
        Self { text: posted.0 }
    }
}

impl TryFrom<Letter> for Posted {
    type Error = Malformed;

    fn try_from(letter: Letter) -> Result<Self, Malformed> {
        Ok(Self(letter.text))
    }
}

/// The topic `letters`.
pub(super) struct Letters;

impl Topic for Letters {
    const NAME: &'static str = "letters";
    type Payload = Posted;
    type Message = Letter;
}
