"""The paper's ten claims and three of ours: what is measured, and by which rule it is judged."""

from __future__ import annotations

from paper_claims import network_claims, sequence_claims, windowed_claims
from paper_claims.claim import Claim

CLAIMS = (
    Claim(
        "C1",
        "Independent frames: quality falls with the distance from the middle; the end frames stay "
        "as blurry as the input.",
        "Row 'independent': PSNR by distance from the middle; gain of the end frames over the "
        "blurry image; motion of pairs.",
        "PSNR falls from each distance to the next, the end frames gain less than "
        f"{sequence_claims.END_MARGIN:g} dB, and less than {sequence_claims.STILL:g} of the "
        "pairs' motion is there.",
        sequence_claims.independent,
    ),
    Claim(
        "C2",
        "The global model does not give a meaningful sequence for T = 7; it does for T = 3.",
        "Rows 'global-model' and 'global-model-frames-3': PSNR of the others against the mean of "
        "both directions, and motion of pairs, which is 0 for whatever does not move.",
        "A sequence is meaningful if its others beat the mean of both directions and more than "
        f"{sequence_claims.MEANINGFUL:g} of the pairs' motion is there. Supported if one of the "
        "two fails for T = 7 and both hold for T = 3.",
        sequence_claims.global_model,
    ),
    Claim(
        "C3",
        "Pairwise with the middle frame beats pairwise without.",
        "Rows 'pairwise-middle' and 'pairwise', each pair in the order that fits better: PSNR of "
        "the others.",
        "The difference is above 0, and one of them makes sequences.",
        sequence_claims.middle_helps_pairs,
    ),
    Claim(
        "C4",
        "Sequential beats pairwise with the middle frame, most at the end frames, and needs no "
        "reordering.",
        "Rows 'sequential' and 'pairwise-middle', which share middle and core: PSNR of the "
        "others, each pair in the order that fits better; what reordering gains.",
        "The difference is above 0, it is greater at the end frames than at the pair inside them, "
        f"reordering gains sequential less than {sequence_claims.MARGIN:g} dB, and one of them "
        "makes sequences.",
        sequence_claims.sequential,
    ),
    Claim(
        "C5",
        "Teacher forcing converges faster and looks better.",
        "Rows 'sequential', which is teacher-forced, and 'staged', after all steps and after "
        f"{' and '.join(map(str, sequence_claims.FEWER_STEPS))}: PSNR of the others.",
        "All differences are above 0, and one row of each makes sequences.",
        sequence_claims.teacher_forcing,
    ),
    Claim(
        "C6",
        "One network for frames 1, 2, 6 and 7 loses nothing.",
        "Rows 'share-outer', 'share-none' and 'sequential', which shares within pairs: PSNR of "
        "the outer frames.",
        f"It loses less than {sequence_claims.MARGIN:g} dB to either, and one of them makes "
        "sequences.",
        sequence_claims.sharing,
    ),
    Claim(
        "C7",
        "The true middle frame, given at test time, improves every other frame.",
        "Row 'sequential' with the true and with its own middle frame: PSNR of each frame.",
        "The difference is above 0 at each of the others, and one of the two makes sequences.",
        sequence_claims.true_middle,
    ),
    Claim(
        "C8",
        "Resampling by 4 is the middle network's best trade of accuracy and time.",
        "Rows 'middle-factor-1', '-2', '-8' and 'sequential', which has 4: PSNR of the middle "
        "frame; operations, and time, of the middle network for one image of 568×320 pixels.",
        f"No factor that costs more operations gains {network_claims.WORTH:g} dB, and any that "
        "costs less loses.",
        network_claims.factors,
    ),
    Claim(
        "C9",
        "The losses do not change with the order of frames, exactly.",
        "The four scenarios of Fig. 2 against each other, in single numbers computed on the spot.",
        "The pairwise and the global-model loss are exactly 0 between any two, the independent "
        "family's mean squared error never is.",
        network_claims.invariance,
    ),
    Claim(
        "C10",
        "5 and 17 million parameters; an order of magnitude faster than a multi-scale network of "
        "12 million.",
        "Parameters counted; time for one image of 568×320 pixels against the multi-scale network "
        "of Nah et al. (CVPR 2017), built from its paper and measured in turns.",
        f"Parameters are within {100 * network_claims.COUNT_MARGIN:g} % of the paper's numbers, "
        f"and the middle network is more than {network_claims.TIMES_AS_FAST:g} times as fast in "
        "every round.",
        network_claims.cost,
    ),
    Claim(
        "W1",
        "Ours: where windows of a pair choose its order, and not each value, a sequence is found; "
        "it is the windows, and not the way out of the tie at the first step.",
        "Rows 'windowed-16', 'plain-pairwise' and 'each-value', which has the minimum of "
        "'plain-pairwise' and the ties of 'windowed-16'; squared errors, one object, true middle "
        "given: PSNR.",
        "The windowed row beats the mean of both directions, the pairwise row and each-value.",
        windowed_claims.makes_a_sequence,
    ),
    Claim(
        "W2",
        "Ours: with one object that holds for windows of every size, from one pixel (its three "
        "colours together) to the whole image.",
        "Rows 'windowed-1' to 'windowed-whole', true middle given: PSNR.",
        "Each of them beats the mean of both directions.",
        windowed_claims.holds_for_all_sizes,
    ),
    Claim(
        "W3",
        "Ours: with several objects windows beat pixels, and small windows beat the whole image.",
        "Rows with two and three objects, true middle given: PSNR by patches of 16 px.",
        "Windows of 16 px beat the mean of both directions, the pairwise row and the whole image, "
        "with two and with three.",
        windowed_claims.several_objects,
    ),
)
