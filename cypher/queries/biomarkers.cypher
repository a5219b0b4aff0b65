// name: biomarkers
// about: Genes whose state decides a drug's response: the effect a unit of the feature has, association within the screen.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, feature string, effect float, direction string, weight float, spread float, q float, known boolean
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'response'
WITH d, g, a, CASE a.feature WHEN 'expression' THEN 'high' WHEN 'mutation' THEN 'mutated'
                            WHEN 'copy_number' THEN 'gained' ELSE 'not needed' END AS state
RETURN g.id AS gene, a.feature AS feature, a.effect AS effect,
       CASE WHEN a.effect > 0 THEN 'sensitive if ' + state WHEN a.effect < 0 THEN 'resistant if ' + state END AS direction,
       a.weight AS weight, a.spread AS spread, a.q AS q, EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY a.rank, gene, feature
LIMIT $limit
