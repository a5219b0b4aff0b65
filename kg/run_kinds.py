"""The part of the schema that training writes: the node kind Run, and the edge kinds that carry a run's results.

`kg.schema` joins it to the kinds that ingest writes.
"""

from __future__ import annotations

from pharmagraph.kg.kinds import EdgeKind, NodeKind, Property

_RUN = Property("run_id", "string", "id of the Run that made the edge", required=True)

GENE_ATTENTION = ("targets", "network", "none")
"""Values of a run's property ``gene_attention``."""

OBJECTIVES = TARGET, RESPONSE = ("target", "response")
"""What attention to genes is fitted to: known targets, or measured responses."""
FEATURES = ("expression", "mutation", "copy_number", "dependency")
"""What of a gene is attended to where the objective is response."""

RUN = NodeKind(
    "Run",
    "A trained model; the node exists only once all of its attention is written.",
    (
        Property("preset", "string", "name of the preset", required=True),
        Property("config", "string", "the whole configuration, as JSON"),
        Property("seed", "integer", "random seed"),
        Property("split", "string", "which entries were held out"),
        Property("metrics", "string", "held-out metrics, as JSON"),
        Property(
            "gene_attention",
            "string",
            "where attention of drugs to genes comes from: fitted to known targets, the response network's own, or "
            "there is none",
            choices=GENE_ATTENTION,
        ),
        Property(
            "unused_attention",
            "string",
            "relations whose attention has no part in the predictions, each with the reason, as JSON",
        ),
        Property("datasets", "strings", "ids of the datasets whose responses it was trained on"),
        Property("git_fingerprint", "string", "commit and state of the code"),
        Property("data_fingerprint", "string", "hash of the heterograph it was trained on"),
        Property("device", "string", "device and kernel"),
        Property("folder", "string", "folder with weights and the attention of every edge"),
        Property("started_at", "string", "ISO 8601 time"),
        Property("status", "string", "state of the run", choices=("complete", "deleting")),
        Property("promoted", "boolean", "whether base edges carry its attention"),
    ),
)

RUN_EDGES: tuple[EdgeKind, ...] = (
    EdgeKind(
        "ATTENDS",
        (
            ("Drug", "Gene"),
            ("CellLine", "Gene"),
            ("Drug", "CellLine"),
            ("Drug", "Drug"),
            ("CellLine", "CellLine"),
        ),
        "Attention of a run, from the node that attends to the node that it attends to. A drug and a gene have one "
        "edge for the objective target, and one for each feature for the objective response.",
        (
            _RUN,
            Property(
                "objective",
                "string",
                "what attention to genes is fitted to: known targets or response; always there from Drug to Gene. A "
                "network's own attention without features (gene_attention of the Run is network) is under target",
                choices=OBJECTIVES,
            ),
            Property(
                "feature",
                "string",
                "what of the gene is attended to; with the objective response alone",
                choices=FEATURES,
            ),
            Property(
                "effect",
                "float",
                "change of the prediction per unit of the feature, positive towards sensitive; with the objective "
                "response alone. The prediction is the logit of being sensitive, or minus ln IC50 in standard "
                "deviations of the drug. A unit is 1 of z of EXPRESSES, of value of COPY_NUMBER, or of minus effect of "
                "DEPENDS_ON; of a mutation, to have one instead of none. From CellLine to Gene: what the feature adds "
                "to the predictions of the cell line, mean over drugs",
            ),
            Property("weight", "float", "attention coefficient, mean over heads", minimum=0, maximum=1),
            Property(
                "rank", "integer", "1 is the node's most attended in the relation and objective", minimum=1
            ),
            Property(
                "percentile",
                "float",
                "share of the edges of the relation and objective with less weight",
                "%",
                minimum=0,
                maximum=100,
            ),
            Property(
                "excess",
                "float",
                "weight times the number of competing edges; 1 means no preference",
                minimum=0,
            ),
            Property("spread", "float", "standard deviation of weight across seeds or folds", minimum=0),
            Property(
                "q",
                "float",
                "false discovery rate within the drug, if asked for: with the objective target, of attention against "
                "permuted responses; with response, within the feature's kind, too: how often an association with "
                "response this large appears by chance, when cell lines of the same tissue trade their responses",
                minimum=0,
                maximum=1,
            ),
            Property(
                "stability",
                "float",
                "agreement across seeds on the source node's first 20: rank-biased overlap",
                minimum=0,
                maximum=1,
            ),
            Property(
                "publications",
                "integer",
                "PubMed abstracts that name both ends; from Drug to Gene with the objective target alone",
                minimum=0,
            ),
            Property(
                "expected_publications",
                "float",
                "PubMed abstracts expected to name both ends if they were independent",
                minimum=0,
            ),
            Property(
                "publications_p",
                "float",
                "hypergeometric probability of at least so many abstracts",
                minimum=0,
                maximum=1,
            ),
        ),
        identity=("run_id", "objective", "feature"),
        base=False,
    ),
    EdgeKind(
        "ENRICHED",
        (("Drug", "Pathway"),),
        "The set is enriched in genes that a run attends to as targets of the drug, compared with all candidate genes.",
        (
            _RUN,
            Property(
                "test",
                "string",
                "over-representation among the first genes, or ranks of all genes",
                required=True,
                choices=("over-representation", "ranks"),
            ),
            Property(
                "score",
                "float",
                "overlap divided by expected; for ranks: probability that a gene of the set ranks above "
                "one outside it, 0.5 by chance",
                minimum=0,
            ),
            Property(
                "overlap",
                "integer",
                "genes of the set among the first genes; for ranks: genes of the set that were ranked",
                minimum=0,
            ),
            Property("expected", "float", "overlap expected by chance; empty for ranks", minimum=0),
            Property("p", "float", "one-sided p value", minimum=0, maximum=1),
            Property("q", "float", "Benjamini–Hochberg over all sets", minimum=0, maximum=1),
        ),
        identity=("run_id", "test"),
        base=False,
    ),
    EdgeKind(
        "PREDICTED",
        (("Drug", "CellLine"),),
        "A run's prediction for a drug and a cell line.",
        (
            _RUN,
            Property("probability", "float", "probability of being sensitive", minimum=0, maximum=1),
            Property("ln_ic50", "float", "predicted response", "ln(µmol/l)"),
            Property(
                "calibrated",
                "float",
                "the same probability, calibrated on hidden training pairs",
                minimum=0,
                maximum=1,
            ),
            Property("low", "float", "lower end of the interval, in the unit of the prediction"),
            Property("high", "float", "upper end of the interval, in the unit of the prediction"),
            Property("level", "float", "level of the interval", minimum=0, maximum=1),
        ),
        identity=("run_id",),
        base=False,
    ),
)
