// name: biomarkers
// topic: Genes of a drug
// about: Genes that decide a drug's response in a run, and its direction where they are high, mutated, gained or needed.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, feature string, effect float, direction string, weight float, spread float, q float, known boolean
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'response'
RETURN g.id AS gene, a.feature AS feature, a.effect AS effect,
       CASE WHEN a.effect > 0 THEN 'sensitive' WHEN a.effect < 0 THEN 'resistant' END AS direction,
       a.weight AS weight, a.spread AS spread, a.q AS q, EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY a.rank, gene, feature
LIMIT $limit
