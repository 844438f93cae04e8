//! What the lab costs, held against a bare reference.
