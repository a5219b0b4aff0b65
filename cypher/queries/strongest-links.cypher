// name: strongest-links
// topic: Genes of a drug
// about: The drug–gene links with the most attention as targets over all drugs; only the first few genes of each drug.
// param run: run, run id; default the promoted run
// param per_drug: integer, genes kept for each drug; default 1
// param limit: integer, rows; default 20
// columns: drug string, gene string, rank integer, weight float, excess float, known boolean
MATCH (d:Drug)-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'target' AND a.rank <= $per_drug
RETURN d.name AS drug, g.id AS gene, a.rank AS rank, a.weight AS weight, a.excess AS excess,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY excess DESC, drug, gene
LIMIT $limit
