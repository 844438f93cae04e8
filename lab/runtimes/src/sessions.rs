//! Whether clients come back to the process that they were at. Who balances for replicas of the public API has to know.

use design::Wiring;

/// Whether a wiring's clients come back to the same process, as long as that can be reached.
pub(crate) fn are_sticky(wiring: &Wiring) -> bool {
    wiring.get("sessions") == "sticky"
}
