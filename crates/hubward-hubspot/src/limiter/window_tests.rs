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
    assert!(next <= start + TEN + DELAY_MAX + MARGIN);
    assert_eq!(window.earliest(next), next);
}

#[test]
fn a_share_leaves_the_rest_to_others_before_it_waits_for_them() {
    let start = Instant::now();
    let mut window = Window::new(100, TEN, 0.8);
    assert_eq!(window.allowed(), 80);
    window.sent(start);
    // Nineteen of others fit beside our eighty, the twentieth beside them too.
    window.remaining(RequestKind::Upsert, 79, start, start);
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
    window.remaining(RequestKind::Upsert, 3, start, later);
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
    window.remaining(RequestKind::Upsert, 190 - 16, start, start + Duration::from_millis(400));
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

    /// Requests travel for a random time, up to what is believed; answers come back in any order and late, and say what
    /// remained when the request arrived. No span of ten seconds at HubSpot may see more than the limit, whether or not
    /// answers tell how long the way was, and nobody else is imagined.
    #[test]
    fn no_rolling_window_at_hubspot_ever_holds_more_than_the_limit(
        max in 1u32..40,
        told in any::<bool>(),
        requests in proptest::collection::vec((0u64..240, 0u64..2_000, 0u64..200), 120),
    ) {
        let mut now = Instant::now();
        let mut window = Window::new(max, TEN, 1.0);
        let mut arrivals: Vec<Instant> = Vec::new();
        let mut answers: Vec<(Instant, Instant, Instant)> = Vec::new();
        for (number, (travel, work, pause)) in requests.into_iter().enumerate() {
            // The quickest way and the quickest work have been seen before they are believed in.
            let (travel, work) = if number == 0 { (0, 0) } else { (travel, work) };
            now += Duration::from_millis(pause);
            now = window.earliest(now);
            answers.sort();
            while answers.first().is_some_and(|(answered, _, _)| *answered <= now) {
                let (answered, sent, arrived) = answers.remove(0);
                let stands = |at: &&Instant| **at <= arrived && **at + TEN > arrived;
                let counted = arrivals.iter().filter(stands).count() as u32;
                if told {
                    window.answered(RequestKind::Upsert, sent, answered);
                }
                window.remaining(RequestKind::Upsert, max.saturating_sub(counted), sent, answered);
            }
            prop_assert!(window.others.is_empty());
            now = window.earliest(now);
            window.sent(now);
            let arrived = now + Duration::from_millis(travel);
            arrivals.push(arrived);
            answers.push((arrived + Duration::from_millis(50 + work), now, arrived));
        }
        arrivals.sort();
        for (index, at) in arrivals.iter().enumerate() {
            let until = arrivals.partition_point(|other| *other < *at + TEN);
            prop_assert!(until - index <= max as usize, "{} in ten seconds, limit {}", until - index, max);
        }
    }

    /// With steady travel the limiter wastes nothing but the margin, once it knows the way; before that the guard.
    #[test]
    fn the_whole_limit_is_used(max in 1u32..60) {
        let start = Instant::now();
        let mut now = start;
        let mut window = Window::new(max, TEN, 1.0);
        for _ in 0..max * 3 + 1 {
            now = window.earliest(now);
            window.sent(now);
            window.remaining(RequestKind::Upsert, max.saturating_sub(window.used(now)), now, now);
        }
        let least = TEN * 3;
        prop_assert!(now - start >= least);
        prop_assert!(now - start <= least + (DELAY_MAX + MARGIN) * 3);
    }

    #[test]
    fn answers_that_all_take_the_same_time_leave_only_the_margin(max in 20u32..60) {
        let start = Instant::now();
        let mut now = start;
        let mut window = Window::new(max, TEN, 1.0);
        let mut unanswered = VecDeque::new();
        for _ in 0..max * 3 + 1 {
            loop {
                let next = window.earliest(now);
                match unanswered.front() {
                    Some(&sent) if sent + Duration::from_millis(400) <= next => {
                        unanswered.pop_front();
                        window.answered(RequestKind::Upsert, sent, sent + Duration::from_millis(400));
                    }
                    _ => {
                        now = next;
                        break;
                    }
                }
            }
            window.sent(now);
            unanswered.push_back(now);
        }
        prop_assert!(now - start >= TEN * 3);
        prop_assert!(now - start <= (TEN + MARGIN) * 3);
    }
}

#[test]
fn a_first_answer_that_was_slow_does_not_make_later_ones_look_early() {
    let start = Instant::now();
    let mut window = Window::new(QUICKEST_AFTER, TEN, 1.0);
    // Opening the connection took the first request 150 ms longer.
    for _ in 0..QUICKEST_AFTER {
        window.sent(start);
    }
    window.answered(RequestKind::Upsert, start, start + Duration::from_millis(550));
    for _ in 1..QUICKEST_AFTER {
        window.answered(RequestKind::Upsert, start, start + Duration::from_millis(400));
    }
    for _ in 1..QUICKEST_AFTER {
        let now = window.earliest(start + TEN);
        assert_eq!(now, start + TEN + MARGIN);
        window.sent(now);
    }
    assert_eq!(window.earliest(start + TEN), start + TEN + MARGIN + Duration::from_millis(150));
}
