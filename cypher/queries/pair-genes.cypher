// name: pair-genes
// topic: A drug on a cell line
// about: Genes that decide a drug's response by effect × what the cell line has there; with no edge it is near the mean.
// param drug: drug, name, alias or id
// param cell_line: cell_line, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, feature string, value float, effect float, contribution float, known boolean
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'response'
MATCH (c:CellLine {id: $cell_line})
WITH c, g, a.feature AS feature, a.effect AS effect, EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known,
     EXISTS { MATCH (c)-[:MUTATED]->(:Gene) } AS sequenced
OPTIONAL MATCH (c)-[e:EXPRESSES]->(g)
WITH c, g, feature, effect, known, sequenced, avg(e.z) AS z
OPTIONAL MATCH (c)-[m:MUTATED]->(g)
WITH c, g, feature, effect, known, sequenced, z, count(m) AS mutations
OPTIONAL MATCH (c)-[n:COPY_NUMBER]->(g)
WITH c, g, feature, effect, known, sequenced, z, mutations, avg(n.value) AS copies
OPTIONAL MATCH (c)-[p:DEPENDS_ON]->(g)
WITH g, feature, effect, known, sequenced, z, mutations, copies, avg(p.effect) AS knock_out
WITH g.id AS gene, feature, effect, known,
     CASE WHEN feature = 'expression' THEN z WHEN feature = 'copy_number' THEN copies
          WHEN feature = 'dependency' THEN -knock_out WHEN feature = 'mutation' AND mutations > 0 THEN 1.0
          WHEN feature = 'mutation' AND sequenced THEN 0.0 END AS value
WHERE value IS NOT NULL
RETURN gene, feature, value, effect, effect * value AS contribution, known
ORDER BY abs(contribution) DESC, gene, feature
LIMIT $limit
