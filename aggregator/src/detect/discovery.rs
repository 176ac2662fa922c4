//! Many tests at once: which p-values are discoveries.

/// For each p-value whether it is a discovery, such that among all discoveries the share of false ones
/// is at most `rate` on average. Source: Benjamini and Hochberg 1995.
pub(super) fn discoveries(p_values: &[f64], rate: f64) -> Vec<bool> {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "numbers of tests are far below 2^53")]
    let tests = sorted.len() as f64;
    #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^53")]
    let limit = sorted.iter().enumerate().rev().find(|(rank, p)| **p <= rate * (*rank as f64 + 1.0) / tests).map(|(_, p)| *p);
    p_values.iter().map(|p| limit.is_some_and(|limit| *p <= limit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_there_are_the_weaker_the_last_may_be() {
        // The example of the paper's section 3.2.
        let p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0];
        assert_eq!(discoveries(&p, 0.05).into_iter().filter(|found| *found).count(), 4);
        assert_eq!(discoveries(&[0.04, 0.9], 0.05), [false, false]);
        assert_eq!(discoveries(&[], 0.05), Vec::<bool>::new());
    }
}
