//! The mapping between protobuf messages and the contract's types.

use echo::{Echoed, Said};

use super::proto;

remote::messages! { proto:
    Said as EchoRequest { words }
    Echoed as EchoResponse { words, number }
}
