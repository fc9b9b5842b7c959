use super::*;
use proptest::prelude::*;

const TEN: Duration = Duration::from_secs(10);

#[test]
fn a_whole_window_goes_at_once_and_the_next_one_ten_seconds_later() {
    let start = Instant::now();
    let mut window = Window::new(190, TEN, 1.0);
    for _ in 0..190 {
        assert_eq!(window.earliest(start), start);
        window.sent(start);
    }
    let next = window.earliest(start);
    assert!(next >= start + TEN);
    assert!(next <= start + TEN + GUARD);
    assert_eq!(window.earliest(next), next);
}

#[test]
fn a_share_leaves_the_rest_to_others_before_it_waits_for_them() {
    let start = Instant::now();
    let mut window = Window::new(100, TEN, 0.8);
    assert_eq!(window.allowed(), 80);
    window.sent(start);
    // Nineteen of others fit beside our eighty, the twentieth beside them too.
    window.remaining(79, start, start);
    assert_eq!(window.used(start), 21);
    for _ in 1..80 {
        assert_eq!(window.earliest(start), start);
        window.sent(start);
    }
    assert!(window.earliest(start) > start);
}

#[test]
fn sends_of_others_are_seen_in_what_remains_and_waited_for() {
    let start = Instant::now();
    let mut window = Window::new(10, TEN, 1.0);
    window.sent(start);
    let later = start + Duration::from_millis(400);
    window.remaining(3, start, later);
    assert_eq!(window.used(later), 7, "one of ours, six of others");
    for _ in 0..3 {
        assert_eq!(window.earliest(later), later);
        window.sent(later);
    }
    assert!(window.earliest(later) >= start + TEN);
}

#[test]
fn our_own_requests_under_way_are_not_taken_for_others() {
    let start = Instant::now();
    let mut window = Window::new(190, TEN, 1.0);
    for _ in 0..16 {
        window.sent(start);
    }
    // HubSpot counted all sixteen before it answered the first.
    window.remaining(190 - 16, start, start + Duration::from_millis(400));
    assert_eq!(window.used(start), 16);
}

#[test]
fn a_window_said_to_be_full_empties_bit_by_bit() {
    let start = Instant::now() + TEN;
    let mut window = Window::new(10, TEN, 1.0);
    window.full(start);
    assert_eq!(window.used(start), 10);
    let first = window.earliest(start);
    assert!(first > start && first < start + Duration::from_secs(2));
    assert!(window.used(start + Duration::from_secs(5)) >= 4);
    assert_eq!(window.used(start + TEN + TEN), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Requests travel for a random time, up to the guard; answers come back in any order and late, and say what remained
    /// when the request arrived. No span of ten seconds at HubSpot may see more than the limit, and nobody else is imagined.
    #[test]
    fn no_rolling_window_at_hubspot_ever_holds_more_than_the_limit(
        max in 1u32..40,
        requests in proptest::collection::vec((0u64..140, 0u64..2_000, 0u64..200), 120),
    ) {
        let mut now = Instant::now();
        let mut window = Window::new(max, TEN, 1.0);
        let mut arrivals: Vec<Instant> = Vec::new();
        let mut answers: Vec<(Instant, Instant, Instant)> = Vec::new();
        for (travel, back, pause) in requests {
            now += Duration::from_millis(pause);
            now = window.earliest(now);
            answers.sort();
            while answers.first().is_some_and(|(answered, _, _)| *answered <= now) {
                let (answered, sent, arrived) = answers.remove(0);
                let stands = |at: &&Instant| **at <= arrived && **at + TEN > arrived;
                let counted = arrivals.iter().filter(stands).count() as u32;
                window.remaining(max.saturating_sub(counted), sent, answered);
            }
            prop_assert!(window.others.is_empty());
            prop_assert_eq!(window.earliest(now), now);
            window.sent(now);
            let arrived = now + Duration::from_millis(travel);
            arrivals.push(arrived);
            answers.push((arrived + Duration::from_millis(back), now, arrived));
        }
        arrivals.sort();
        for (index, at) in arrivals.iter().enumerate() {
            let until = arrivals.partition_point(|other| *other < *at + TEN);
            prop_assert!(until - index <= max as usize, "{} in ten seconds, limit {}", until - index, max);
        }
    }

    /// With steady travel the limiter wastes nothing but the guard.
    #[test]
    fn the_whole_limit_is_used(max in 1u32..60) {
        let start = Instant::now();
        let mut now = start;
        let mut window = Window::new(max, TEN, 1.0);
        for _ in 0..max * 3 + 1 {
            now = window.earliest(now);
            window.sent(now);
            window.remaining(max.saturating_sub(window.used(now)), now, now);
        }
        let least = TEN * 3;
        prop_assert!(now - start >= least);
        prop_assert!(now - start <= least + GUARD * 3);
    }
}
