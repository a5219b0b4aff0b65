// name: strongest-biomarkers
// topic: Genes of a drug
// about: The gene that decides most of each drug's response, drugs with the largest share first: association within the screen.
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: drug string, gene string, feature string, effect float, direction string, weight float, known boolean
MATCH (d:Drug)-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'response' AND a.rank = 1
WITH d, g, a, CASE a.feature WHEN 'expression' THEN 'high' WHEN 'mutation' THEN 'mutated'
                            WHEN 'copy_number' THEN 'gained' ELSE 'not needed' END AS state
RETURN d.name AS drug, g.id AS gene, a.feature AS feature, a.effect AS effect,
       CASE WHEN a.effect > 0 THEN 'sensitive if ' + state WHEN a.effect < 0 THEN 'resistant if ' + state END AS direction,
       a.weight AS weight, EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY weight DESC, drug
LIMIT $limit
