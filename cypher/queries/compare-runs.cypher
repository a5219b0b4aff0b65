// name: compare-runs
// topic: The graph and its runs
// about: Genes of one drug with their ranks in two runs.
// param drug: drug, name, alias or id
// param first: run, run id; default the promoted run
// param second: run, run id
// param objective: string, what the attention is fitted to, target or response; default target
// param limit: integer, rows; default 20
// columns: gene string, feature string, first_rank integer, second_rank integer, first_excess float, second_excess float
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $first AND a.objective = $objective
WITH d, g, coalesce(a.feature, '') AS feature, a.rank AS first_rank, a.excess AS first_excess
OPTIONAL MATCH (d)-[b:ATTENDS]->(g)
WHERE b.run_id = $second AND b.objective = $objective AND coalesce(b.feature, '') = feature
RETURN g.id AS gene, CASE WHEN feature <> '' THEN feature END AS feature, first_rank, b.rank AS second_rank,
       first_excess, b.excess AS second_excess
ORDER BY first_rank, gene
LIMIT $limit
