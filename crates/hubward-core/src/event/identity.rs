//! The `uuid` of an occurrence: the only handle by which HubSpot can recognise a repetition (api.md 9.2).

use uuid::Uuid;

/// The namespace of all our occurrences. Changing it would make every repetition look new.
const NAMESPACE: Uuid = Uuid::from_u128(0x1d8f_0c52_7a3e_5b94_9c61_4e0f_b2d7_a835);

/// Ids of one sync's occurrences: the same row gets the same id in every run, on every machine.
#[derive(Clone, Copy, Debug)]
pub struct EventIds {
    sync: Uuid,
}

impl EventIds {
    #[must_use]
    pub fn new(sync: &str) -> Self {
        Self { sync: Uuid::new_v5(&NAMESPACE, sync.as_bytes()) }
    }

    /// The id of the row with this primary key (as [`crate::row::key_text`] writes it): a UUID of version 5.
    #[must_use]
    pub fn of(&self, key_text: &str) -> String {
        Uuid::new_v5(&self.sync, key_text.as_bytes()).hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Occurrences that were sent by an earlier version carry these.
    #[test]
    fn ids_never_change() {
        let ids = EventIds::new("orders");
        assert_eq!(ids.of("1"), "b5c34c61-b44d-5492-ac2c-e5973a9f2f1a");
        assert_eq!(ids.of("eu|7"), "92436a67-41ea-5fcb-95d3-b11de1ef350c");
    }

    #[test]
    fn syncs_and_keys_have_their_own() {
        let (orders, visits) = (EventIds::new("orders"), EventIds::new("visits"));
        assert_ne!(orders.of("1"), visits.of("1"));
        assert_ne!(orders.of("1"), orders.of("2"));
        // A name that ends where a key begins does not make two rows one.
        assert_ne!(EventIds::new("a").of("bc"), EventIds::new("ab").of("c"));
    }
}
